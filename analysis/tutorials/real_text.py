# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # A real model on real text
#
# Any sequence-classification model in the Hugging Face hub's folder format (`config.json`, `model.safetensors`, a
# tokenizer) and any labelled text. Set the two paths. Without them, this runs on the model that netsim brings and on a file
# that is written here, which shows the way and nothing about accuracy.

# %%
import os
from pathlib import Path

import polars as pl

import netsim
from netsim.learning.builtin import model_folder

MODEL = Path(os.environ.get("MODEL", model_folder()))  # as `all-MiniLM-L6-v2`
DATA = os.environ.get("DATA")  # as GLUE's `SST-2`: a folder with train.tsv and dev.tsv

if DATA is None:
    opinions = {"good": "a fine story well told", "bad": "a dull plot and weak acting"}
    rows = [
        (f"{text}, scene {number}", label)
        for number in range(200)
        for label, text in opinions.items()
    ]
    DATA = "opinions.csv"
    pl.DataFrame(rows, schema=["text", "label"], orient="row").write_csv(DATA)

# %% [markdown]
# The model stays frozen; what is trained and sent are LoRA adapters and the head. `payload_bits` of the table `uploads` counts the
# tensors that are really sent.

# %%
run = netsim.run(
    "quickstart",
    overrides={
        "model.path": str(MODEL),
        "data.path": DATA,
        "data.test_samples": 60,
        "data.samples_per_ue": 40,
        "learning.max_tokens": 32,
        "ues.count": 6,
        "rounds": 2,
        "learning.workers": 1,
        "scheme.kind": "fedlora",
        "scheme.rank": 8,
    },
    out="runs/tutorial-text",
)
print(run.uploads.select("payload_bits").unique().collect())
print(run.learning_curve().collect().select("round", "accuracy"))

# %% [markdown]
# The adapters are in PEFT's format, and load anywhere that PEFT does.

# %%
from peft import PeftModel
from transformers import AutoModelForSequenceClassification

base = AutoModelForSequenceClassification.from_pretrained(MODEL, num_labels=2)
adapted = PeftModel.from_pretrained(base, run.path / "adapters" / "0")
print(adapted.peft_config["default"].r, "ranks")
