"""The frozen foundation model w_0 and its tokenizer: built in, from a folder, or from the hub.

Only safetensors are read and no code of a model repository is run.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from netsim.errors import InputError
from netsim.learning.builtin import model_folder
from netsim.learning.data.datasets import Split
from netsim.learning.data.tokens import TokenCache
from netsim.learning.hub_models import cannot_load, check_tokenizer_of_hub, quiet
from netsim.learning.model_files import check_model_folder
from netsim.learning.payload import BUILTIN
from netsim.learning.tokenizer_trial import check_tokenizer, without_panics
from netsim.learning.trial import check_it_classifies

WEIGHTS = {"float32": torch.float32, "bfloat16": torch.bfloat16}
# Positions of these families start after the padding index.
ROBERTA_LIKE = ("roberta", "xlm-roberta", "camembert")


@dataclass(frozen=True)
class Foundation:
    """A sequence-classification model, all of it frozen, without dropout."""

    name: str  # "builtin", a hub name, or the folder's own name: never a path of this machine
    model: Any  # transformers.PreTrainedModel
    tokenizer: Any
    classes: int
    head: tuple[str, ...]  # names of the modules that every adapter brings for itself
    max_tokens: int  # longest text the model takes
    _tokens: dict[tuple[int, int], TokenCache] = field(
        default_factory=dict, repr=False, compare=False
    )

    def tokens(
        self,
        split: Split,
        max_tokens: int,
    ) -> TokenCache:
        """Tokens of a split's rows, kept as long as the model is asked for the same two splits."""
        key = (id(split), max_tokens)  # the cache holds the split, so the number stays its own
        if key not in self._tokens:
            while len(self._tokens) >= 2:
                oldest = next(iter(self._tokens))
                del self._tokens[oldest]
            rows = len(self.model.get_input_embeddings().weight)
            self._tokens[key] = TokenCache(self.tokenizer, split, max_tokens, rows)
        return self._tokens[key]

    @property
    def device(self) -> torch.device:
        """Where it is computed."""
        device: torch.device = next(self.model.parameters()).device
        return device

    @property
    def half(self) -> bool:
        """Its weights are stored in bfloat16."""
        return bool(next(self.model.parameters()).dtype == torch.bfloat16)

    @property
    def parameters(self) -> int:
        """Parameters of w_0, without the head."""
        return sum(weight.numel() for weight in self._body())

    def bits(self, bits_per_parameter: float = 32.0) -> float:
        """Size of w_0, bit."""
        return self.parameters * bits_per_parameter

    def norm_sq(self) -> float:
        """|w_0|^2 without the head, in double precision."""
        return float(sum(weight.double().square().sum() for weight in self._body()))

    def _body(self) -> Iterator[Any]:
        """Weights outside the head."""
        head = tuple(f"{name}." for name in self.head)
        for name, weight in self.model.named_parameters():
            if not name.startswith(head):
                yield weight


def config_value(
    config: Any,
    name: str,
    default: Any = None,
) -> Any:
    """A value of a model's config.json by its name in most architectures, or `default`."""
    own_name = config.attribute_map.get(name, name)
    return config.to_dict().get(own_name, default)


def load_foundation(
    name: str,
    classes: int,
    *,
    weights: str = "float32",
    device: str = "cpu",
) -> Foundation:
    """Load "builtin", a local folder in the format of the hub, or a name on the hub.

    `weights` is how they are stored, "float32" or "bfloat16". `device` is "cpu", "cuda", or "auto":
    "cuda" where there is one. Raises InputError.
    """
    if weights not in WEIGHTS:
        raise InputError(f"the weights must be stored as {' or '.join(WEIGHTS)}", value=weights)
    place = _device(device)
    loaded = _find(name, classes)
    loaded.model.to(place, WEIGHTS[weights])
    return loaded


def _device(name: str) -> torch.device:
    if name not in ("auto", "cpu", "cuda"):
        raise InputError("the device must be auto, cpu or cuda", value=name)
    there = torch.cuda.is_available()
    if name == "cuda" and not there:
        raise InputError("this machine has no device that torch can use by CUDA", value=name)
    chosen = "cuda" if there and name != "cpu" else "cpu"
    return torch.device(chosen)


def _find(name: str, classes: int) -> Foundation:
    if name == BUILTIN:
        return _load(str(model_folder()), BUILTIN, classes, local=True)
    folder = Path(name).expanduser()
    if folder.is_dir():
        check_model_folder(folder)
        check_tokenizer(folder)
        return _load(str(folder), folder.resolve().name, classes, local=True)
    if name.startswith(("/", ".", "~")) or name.count("/") > 1 or not name:
        rule = (
            "the foundation model must be 'builtin', an existing folder, "
            "or a name on the hub (owner/model)"
        )
        raise InputError(rule, value=name)
    check_tokenizer_of_hub(name)
    return _load(name, name, classes, local=False)


def _load(
    source: str,
    name: str,
    classes: int,
    *,
    local: bool,
) -> Foundation:
    try:
        # Weights that the checkpoint lacks are drawn from torch's global generator. A fixed seed
        # inside a fork of it makes them a constant of the model and leaves the caller's alone.
        with quiet(), torch.random.fork_rng(devices=[]), without_panics(source):
            torch.manual_seed(0)
            model, info = AutoModelForSequenceClassification.from_pretrained(
                source,
                num_labels=classes,
                local_files_only=local,
                use_safetensors=True,
                trust_remote_code=False,
                ignore_mismatched_sizes=True,  # a head for other classes is replaced anyway
                output_loading_info=True,
            )
            tokenizer = AutoTokenizer.from_pretrained(
                source,
                local_files_only=local,
                trust_remote_code=False,
            )
    except InputError:
        raise
    except Exception as error:
        # transformers raises OSError, ValueError, KeyError, safetensors' and hub errors
        raise cannot_load(source, error, local=local) from error
    head = _head(model, info, source)
    _set_padding(model, tokenizer, source)
    model = model.float().eval().requires_grad_(False)
    if name != BUILTIN:
        check_it_classifies(model, tokenizer, classes, source)
    return Foundation(
        name=name,
        model=model,
        tokenizer=tokenizer,
        classes=classes,
        head=head,
        max_tokens=_max_tokens(model.config, tokenizer),
    )


def _set_padding(
    model: Any,
    tokenizer: Any,
    source: str,
) -> None:
    """Pad with the padding token, else with the end token. Raises InputError without either."""
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    if tokenizer.pad_token_id is None:
        rule = (
            "the tokenizer has neither a padding nor an end token; name one in its "
            "tokenizer_config.json (pad_token)"
        )
        raise InputError(rule, where=source)
    model.config.pad_token_id = tokenizer.pad_token_id


def _head(
    model: Any,
    info: dict[str, Any],
    source: str,
) -> tuple[str, ...]:
    """The modules on the encoder, and a pooler that the checkpoint came without."""
    base = model.base_model_prefix
    pooler = f"{base}.pooler"
    head = []
    for name, child in model.named_children():
        has_weights = any(True for _ in child.parameters())
        if name != base and has_weights:
            head.append(name)
    inside = tuple(f"{name}." for name in head)
    mismatched = [str(key if isinstance(key, str) else key[0]) for key in info["mismatched_keys"]]
    lacking = [*info["missing_keys"], *mismatched]
    fresh = [key for key in lacking if not key.startswith(inside)]
    if any(key.startswith(f"{pooler}.") for key in fresh):
        head.append(pooler)
        fresh = [key for key in fresh if not key.startswith(f"{pooler}.")]
    if fresh:
        rule = "the checkpoint must hold every weight of the model but the head's; some are missing"
        raise InputError(rule, where=source, value=sorted(fresh)[:3])
    return tuple(head)


def _max_tokens(config: Any, tokenizer: Any) -> int:
    positions = config_value(config, "max_position_embeddings")
    limit = int(min(tokenizer.model_max_length, 1 << 30))  # a tokenizer may say infinity
    if positions:
        limit = min(limit, int(min(positions, 1 << 30)))
    if config.model_type in ROBERTA_LIKE:
        limit = min(limit, config.max_position_embeddings - config.pad_token_id - 1)
    return limit
