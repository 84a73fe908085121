"""Tiny models with random weights in the hub's format, and learners on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing
from transformers import (
    BartConfig,
    BartForSequenceClassification,
    BertConfig,
    BertForSequenceClassification,
    DebertaV2Config,
    DebertaV2ForSequenceClassification,
    DistilBertConfig,
    DistilBertForSequenceClassification,
    FalconConfig,
    FalconForSequenceClassification,
    GPT2Config,
    GPT2ForSequenceClassification,
    LlamaConfig,
    LlamaForSequenceClassification,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForSequenceClassification,
    RobertaConfig,
    RobertaForSequenceClassification,
    T5Config,
    T5ForSequenceClassification,
)

from netsim.learning import model_loading
from netsim.learning.composition import build_learner
from netsim.learning.data.datasets import TextDataset, load_builtin
from netsim.learning.data.partition import RowKeys
from netsim.learning.data.worlds import DataSkew, draw_partition
from netsim.learning.foundation import Foundation
from netsim.learning.learner import FederatedLearner
from netsim.learning.spec import LocalTraining, ModuleSpec

SMALL: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "intermediate_size": 64,
    "num_attention_heads": 2,
    "max_position_embeddings": 66,
    "type_vocab_size": 2,
}
DECODER: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 3,
    "intermediate_size": 48,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 64,
}
GPT2: dict[str, Any] = {"n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": 64}
FALCON: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "max_position_embeddings": 64,
}
BART: dict[str, Any] = {
    "d_model": 32,
    "encoder_layers": 1,
    "decoder_layers": 1,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "encoder_ffn_dim": 48,
    "decoder_ffn_dim": 48,
    "max_position_embeddings": 64,
    "bos_token_id": 0,
    "eos_token_id": 2,
    "decoder_start_token_id": 2,
    "num_labels": 2,
}
T5: dict[str, Any] = {
    "d_model": 32,
    "d_kv": 16,
    "d_ff": 48,
    "num_layers": 1,
    "num_heads": 2,
    "eos_token_id": 2,
    "decoder_start_token_id": 1,
    "num_labels": 2,
}
DISTIL: dict[str, Any] = {
    "dim": 32,
    "n_layers": 3,
    "hidden_dim": 64,
    "n_heads": 2,
    "max_position_embeddings": 64,
    "seq_classif_dropout": 0.0,
}
MODELS: dict[str, tuple[Any, Any, dict[str, Any]]] = {
    "roberta": (RobertaConfig, RobertaForSequenceClassification, SMALL),
    "bert": (BertConfig, BertForSequenceClassification, SMALL),
    "distilbert": (DistilBertConfig, DistilBertForSequenceClassification, DISTIL),
    "llama": (LlamaConfig, LlamaForSequenceClassification, DECODER),
    "qwen2": (Qwen2Config, Qwen2ForSequenceClassification, DECODER),
    "deberta": (
        DebertaV2Config,
        DebertaV2ForSequenceClassification,
        {**SMALL, "type_vocab_size": 0},
    ),
    "gpt2": (GPT2Config, GPT2ForSequenceClassification, GPT2),
    "falcon": (FalconConfig, FalconForSequenceClassification, FALCON),
    "bart": (BartConfig, BartForSequenceClassification, BART),
    "t5": (T5Config, T5ForSequenceClassification, T5),
}


def make_model_folder(folder: Path, kind: str, texts: Sequence[str], **config: Any) -> Path:
    """A small random model and a word tokenizer, saved as the hub does."""
    words = sorted({word for text in texts for word in text.split()})
    vocabulary = {w: i for i, w in enumerate(["<s>", "<pad>", "</s>", "<unk>", *words])}
    tokenizer = Tokenizer(WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.post_processor = TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> $B:1 </s>:1",
        special_tokens=[("<s>", 0), ("</s>", 2)],
    )
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        unk_token="<unk>",
        cls_token="<s>",
        sep_token="</s>",
        model_input_names=["input_ids", "token_type_ids", "attention_mask"],
    ).save_pretrained(folder)
    make_config, make_model, sizes = MODELS[kind]
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        model = make_model(
            make_config(**{**sizes, "vocab_size": len(vocabulary), "pad_token_id": 1, **config})
        )
        for name, parameter in model.named_parameters():
            # Fresh weights are so small that every layer is nearly the identity: errors would not
            # show.
            if parameter.dim() > 1:
                parameter.mul_(4)
            elif name.endswith("bias"):
                parameter.normal_(0, 0.1)
        model.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """As in the engines' workers; and two threads of tiny products mostly wait for each other."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session", autouse=True)
def _a_tokenizer_is_tried_once() -> Iterator[None]:
    """Trying one takes a process; a folder of a test has one tokenizer."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(model_loading, "check_tokenizer", lru_cache(model_loading.check_tokenizer))
        yield


@pytest.fixture(scope="session")
def reviews() -> TextDataset:
    """300 training and 80 test rows of the built-in single sentences."""
    return load_builtin("reviews", 300, 80, 0)


@pytest.fixture(scope="session")
def passages() -> TextDataset:
    """300 training and 80 test rows of the built-in pairs."""
    return load_builtin("passages", 300, 80, 0)


@pytest.fixture(scope="session")
def model_folder(
    tmp_path_factory: pytest.TempPathFactory, reviews: TextDataset, passages: TextDataset
) -> Callable[[str], str]:
    """Folder of a tiny random model of a kind in MODELS."""
    texts = [*reviews.train.first, *passages.train.first, *(passages.train.second or [])]
    made: dict[str, Path] = {}

    def folder(kind: str) -> str:
        if kind not in made:
            made[kind] = make_model_folder(tmp_path_factory.mktemp(kind), kind, texts)
        return str(made[kind])

    return folder


@pytest.fixture(scope="session")
def shared_model(model_folder: Callable[[str], str]) -> Callable[..., Foundation]:
    """A tiny model of a kind for some classes, loaded once: learners leave it as it is."""

    @lru_cache
    def load(kind: str, classes: int) -> Foundation:
        return model_loading.load_foundation(model_folder(kind), classes)

    return load


@pytest.fixture
def learner(
    request: pytest.FixtureRequest,
    model_folder: Callable[[str], str],
    shared_model: Callable[..., Foundation],
    reviews: TextDataset,
) -> Callable[..., FederatedLearner]:
    """Make a learner of 12 UEs on the tiny RoBERTa; keyword arguments replace any of
    `build_learner`.
    """

    def make(
        kind: str = "roberta", dataset: TextDataset = reviews, **changes: Any
    ) -> FederatedLearner:
        usual = not {"weights", "device"} & changes.keys()
        foundation = shared_model(kind, len(dataset.classes)) if usual else model_folder(kind)
        arguments: dict[str, Any] = {
            "dataset": dataset,
            "partition": draw_partition(
                RowKeys(dataset.train.label),
                DataSkew(label_concentration=1.0),
                ues=12,
                samples_per_ue=20,
                seed=0,
            ),
            "samples": np.array([3, 8, 5, 4, 6, 7, 3, 8, 5, 4, 6, 7]),
            "modules": [
                ModuleSpec(4, 8, ("query", "value"), 0),
                ModuleSpec(2, 4, ("query", "value"), 1),
            ],
            "training": LocalTraining(2, 0.1, "sgd"),
            "seed": 0,
            "foundation": foundation,
            "workers": 1,
            **changes,
        }
        made = build_learner(**arguments)
        request.addfinalizer(made.close)
        return made

    return make
