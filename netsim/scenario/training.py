"""Keys of what UEs compute and learn: hardware, modules, model, data, scheme."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Literal

from pydantic import model_validator

from netsim.scenario.partition import PartitionKeys
from netsim.scenario.section import (
    NonNegative,
    PluginChoice,
    Positive,
    PositiveOrInf,
    Section,
    key,
)

MOST_BUILTIN_TRAIN = 200_000
MOST_BUILTIN_TEST = 50_000
"""Made-up sentences differ from one another: ever more draws find no new one."""


class Compute(PluginChoice):
    """Work of local training; other keys are the model's own parameters."""

    model: str = key(
        "sample_bits",
        "sample_bits, flops, model_bits (as printed), or a plug-in",
        eq="4",
        min_length=1,
    )


class Device(Section):
    """A class of UEs."""

    name: str = key("phone", "name of the class", min_length=1)
    share: Positive = key(1.0, "share of the UEs, relative to the other classes")
    cpu_hz_min: Positive = key(1.5e9, "lowest clock rate f", unit="Hz", eq="4")
    cpu_hz_max: Positive = key(1.5e9, "highest clock rate f; uniform in between", unit="Hz", eq="4")
    samples_min: int = key(32, "fewest samples per round, D_k", eq="1", ge=1, le=1_000_000)
    samples_max: int = key(
        32, "most samples per round, D_k; uniform in between", eq="1", ge=1, le=1_000_000
    )
    energy_coefficient: Positive = key(
        1e-27, "rho: energy per cycle is rho f²", unit="J s²/cycle³", eq="4"
    )

    @model_validator(mode="after")
    def _ordered(self) -> Device:
        if self.cpu_hz_min > self.cpu_hz_max:
            raise ValueError("cpu_hz_min must not exceed cpu_hz_max")
        if self.samples_min > self.samples_max:
            raise ValueError("samples_min must not exceed samples_max")
        return self


class DevicePower(Section):
    """Energy of UEs and gNBs beyond computing and what is radiated (device.power = states).

    Ratios of the defaults: 3GPP TR 38.840; pa_efficiency and inactivity_s are ours, and so the
    watts. gNB: a macro site of Auer et al., IEEE Wireless Commun. 18(5), 2011.
    """

    power: Literal["transmit_only", "states"] = key(
        "transmit_only",
        "a UE's radio costs what it radiates (the paper), or by what it does",
        eq="4",
    )
    pa_efficiency: float = key(0.3, "states: of the power amplifier", gt=0, le=1)
    circuit_w: NonNegative = key(0.3652, "states: besides the amplifier, while sending", unit="W")
    receive_w: NonNegative = key(0.4422, "states: while the gNB sends to the UE", unit="W")
    awake_w: NonNegative = key(0.1474, "states: waiting, control channel monitored", unit="W")
    sleep_w: NonNegative = key(0.02948, "states: waiting in DRX, mean of its cycles", unit="W")
    idle_w: NonNegative = key(0.001474, "states: the rest of a round", unit="W")
    inactivity_s: NonNegative = key(0.1, "states: awake for so long before DRX", unit="s")
    battery_j: Positive | None = key(
        None,
        "energy of a UE at the start; without it the UE leaves; default: without end",
        unit="J",
    )
    gnb_power: Literal["none", "linear"] = key(
        "none", "gNBs' energy: not accounted for, or linear in their load"
    )
    gnb_static_w: NonNegative = key(780.0, "linear: of a gNB at all times", unit="W")
    gnb_slope: NonNegative = key(4.7, "linear: besides, for each W that it radiates", unit="W/W")


class Module(Section):
    """One of the N adapters."""

    rank: int = key(8, "LoRA rank r; 0 trains every weight of the model instead", ge=0, le=4096)
    lora_alpha: Positive | None = key(None, "LoRA scale is lora_alpha / r; default 2 r")
    target_modules: tuple[str, ...] | None = key(
        None,
        "linear layers that get an adapter, by the ends of their names; default: PEFT's for the "
        "model's family, query and value of the built-in model",
        min_length=1,
    )
    seed: int | None = key(
        None,
        "seed of the initial weights; default: from the run's seed and the module's index",
        ge=0,
    )
    payload_bits_override: Positive | None = key(
        None, "upload size instead of the tensors' (marked emulated in the tables)", unit="bit"
    )
    download_bits_override: Positive | None = key(
        None, "what a UE downloads of the module; default: as much as it uploads", unit="bit"
    )


class Server(Section):
    """Steps of the server along the average of what arrives (Reddi et al., ICLR 2021)."""

    optimizer: Literal["average", "fedavgm", "fedadam", "fedyogi"] = key(
        "average", "average: the step as it is; or with momentum, or adaptive"
    )
    rate: Positive | None = key(
        None, "eta, of the server; default: 1, and 0.01 of fedadam and fedyogi"
    )
    beta1: float | None = key(
        None, "decay of the mean, or of the momentum; default: 0.9", ge=0, lt=1
    )
    beta2: float | None = key(None, "adaptive: decay of the squares; default: 0.99", ge=0, lt=1)
    adaptivity: Positive | None = key(
        None, "adaptive: tau, added to the root of the squares; default: 1e-3"
    )
    bias_correction: bool = key(
        False, "adaptive: of both moments, as Adam has it; the paper has none"
    )

    @property
    def adaptive(self) -> bool:
        """It has second moments."""
        return self.optimizer in ("fedadam", "fedyogi")

    @model_validator(mode="after")
    def _used(self) -> Server:
        """No key without an effect."""
        given = {"beta2": self.beta2, "adaptivity": self.adaptivity}
        given |= {"bias_correction": self.bias_correction or None}
        for name, value in given.items():
            if value is not None and not self.adaptive:
                raise ValueError(
                    f"learning.server.{name} needs learning.server.optimizer = fedadam or fedyogi"
                )
        if self.beta1 is not None and self.optimizer == "average":
            raise ValueError("learning.server.beta1 needs a learning.server.optimizer")
        return self


class Learning(Section):
    """Local training and evaluation."""

    local_steps: int = key(
        4, "tau, full-batch steps on the round's samples", eq="4", ge=1, le=10_000
    )
    local_optimizer: Literal["adam", "sgd"] | None = key(
        None,
        "fresh each round; sgd with tau = 1 is eq. 1; default: adam, or sgd with formulas = paper",
        eq="1",
    )
    learning_rate: Positive = key(
        3e-3, "eta; the default suits adam, sgd wants one some hundred times larger", eq="1"
    )
    prox_weight: NonNegative = key(
        0.0, "mu of FedProx: UEs' losses gain mu / 2 |w - w as downloaded|²"
    )
    control_variates: bool = key(
        False, "SCAFFOLD: UEs' gradients are corrected; twice the traffic, down and up"
    )
    server: Server = Server()
    train_head: bool = key(True, "train, send and charge for the classification head")
    payload_bits_per_parameter: int = key(
        32,
        "bits charged per trained parameter; other than 32, what is sent is marked emulated in the "
        "tables: upload.codec sends fewer",
        unit="bit",
        ge=1,
        le=64,
    )
    max_tokens: int = key(128, "longer texts are cut", unit="token", ge=4, le=8192)
    evaluate_every: int = key(1, "evaluate every so many rounds", unit="round", ge=1)
    evaluate_on: Literal["test", "validation"] = key(
        "test", "rows that accuracy is measured on: the test split, or validation rows, for choices"
    )
    evaluate_in_full: bool | None = key(
        None,
        "also measure averaged logits, and all modules and the best one on each UE's own test "
        "rows; default: where data.partition gives UEs different tasks, on at most 256 UEs",
    )
    log_risk: bool = key(
        False, "measure the risk gap each round and log it beside its bound (costly)", eq="5, 6"
    )
    device: Literal["auto", "cpu", "cuda"] = key(
        "auto",
        "where it is computed; auto takes a GPU where there is one (other bytes than a CPU's)",
    )
    workers: int | None = key(
        None, "worker processes; default: cores, at most 2. Changes no result", ge=1, le=64
    )

    @model_validator(mode="after")
    def _measures_apart(self) -> Learning:
        if self.evaluate_in_full and self.evaluate_on == "validation":
            raise ValueError(
                "learning.evaluate_in_full needs learning.evaluate_on = test: best modules are "
                "chosen by validation rows"
            )
        return self


class Model(Section):
    """Foundation model: the built-in one unless a folder or a hub name is given."""

    path: Path | None = key(None, "local folder in the Hugging Face hub's format")
    hub: str | None = key(None, "name on the Hugging Face hub (extra: hub)", min_length=1)
    weights: Literal["float32", "bfloat16"] = key(
        "float32", "how its frozen weights are stored and multiplied; adapters stay in float32"
    )
    foundation_bits_override: Positive | None = key(
        None, "size of the foundation model on the air instead of its own", unit="bit"
    )

    @model_validator(mode="after")
    def _one_source(self) -> Model:
        if self.path is not None and self.hub is not None:
            raise ValueError("give path or hub, not both")
        return self


class Data(Section):
    """Training and test data: a built-in task unless a path or a hub name is given."""

    task: Literal["reviews", "passages", "grades"] = key(
        "reviews", "built-in task; grades is the harder one"
    )
    path: Path | None = key(None, "GLUE-style TSV folder, or CSV, JSONL or Parquet file or folder")
    hub: str | None = key(None, "data set on the Hugging Face hub (extra: hub)", min_length=1)
    columns: str = key(
        "",
        "what the columns of path or hub are, as text=review,second=title,label=sentiment; also "
        "separator=, encoding=, header=no",
    )
    train_samples: int = key(
        8000,
        "rows of the built-in training split (at most 200,000); cap for others",
        ge=10,
        le=10_000_000,
    )
    test_samples: int = key(
        600,
        "rows of the test split (built-in: at most 50,000); cap for others",
        ge=2,
        le=10_000_000,
    )
    validation_fraction: float = key(0.1, "part of the training rows kept for choices", ge=0, lt=1)
    samples_per_ue: int = key(200, "rows each UE holds", ge=1, le=10_000_000)
    dirichlet_concentration: PositiveOrInf = key(
        1.0,
        "label skew over UEs: mixture ~ Dirichlet(c C p) for C classes of frequencies p; "
        "inf is none",
        ge=1e-6,
    )
    partition: PartitionKeys = PartitionKeys()

    @model_validator(mode="after")
    def _one_source(self) -> Data:
        if self.path is not None and self.hub is not None:
            raise ValueError("give path or hub, not both")
        if math.isnan(self.dirichlet_concentration):
            raise ValueError("dirichlet_concentration must be a number")
        return self

    @model_validator(mode="after")
    def _no_more_than_there_are(self) -> Data:
        if self.path is not None or self.hub is not None:
            return self
        for name, rows, most in (
            ("train_samples", self.train_samples, MOST_BUILTIN_TRAIN),
            ("test_samples", self.test_samples, MOST_BUILTIN_TEST),
        ):
            if rows > most:
                raise ValueError(f"{name} of a built-in task must be at most {most}, found {rows}")
        return self


class SchemeChoice(PluginChoice):
    """The scheme by name; other keys are its own parameters (`netsim schemes` lists them)."""

    kind: str = key("round_robin", "name of the scheme", min_length=1)
