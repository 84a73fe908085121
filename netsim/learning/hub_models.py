"""Models by their name on the Hugging Face hub, and what its libraries are kept from saying."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from logging import CRITICAL, getLogger
from pathlib import Path

import transformers
from huggingface_hub import hf_hub_download
from transformers import AutoConfig

from netsim.errors import InputError
from netsim.learning.tokenizer_trial import FAST, check_tokenizer

OF_A_FIELD = re.compile(r"^\w+: Validation error for field '(\w+)'")
"""How transformers begins when config.json holds a value of another type."""


@contextmanager
def quiet() -> Iterator[None]:
    """No warnings about fresh heads and no progress bars: both are expected here."""
    logging = transformers.utils.logging
    level = logging.get_verbosity()
    bars = logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    hub = getLogger("huggingface_hub")  # tells of every retry; the error that ends them says enough
    hub_level = hub.level
    hub.setLevel(CRITICAL)
    try:
        yield
    finally:
        hub.setLevel(hub_level)
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def hub_family(name: str) -> str:
    """The family (model_type) of a model on the hub. Raises InputError."""
    try:
        with quiet():
            config = AutoConfig.from_pretrained(name, trust_remote_code=False)
    except Exception as error:  # whatever transformers and the hub stumble over
        raise cannot_load(name, error, local=False) from error
    return str(config.model_type)


def check_tokenizer_of_hub(name: str) -> None:
    """Raises InputError for a tokenizer that cannot be used; what is not there, _load says."""
    file = None
    with suppress(Exception), quiet():
        file = hf_hub_download(name, FAST)
    if file is not None:
        check_tokenizer(Path(file).parent)


def cannot_load(
    source: str,
    error: Exception,
    *,
    local: bool,
) -> InputError:
    reason = f"{type(error).__name__}: {error}".splitlines()[0][:200]
    if field := OF_A_FIELD.search(reason):
        reason = f"config.json: {field.group(1)} has a value that the model cannot have"
    if isinstance(error, MemoryError) or "allocate memory" in reason:
        reason = "its sizes need more memory than there is"
    if local:
        return InputError(f"the model folder cannot be loaded ({reason})", where=source)
    rule = (
        f"the model cannot be loaded from the hub ({reason}); where the hub can be reached, "
        f"`hf download {source} --local-dir DIR` makes a folder to give instead"
    )
    return InputError(rule, value=source)
