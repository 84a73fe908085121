"""Numbers to bits and back, with what a codec must keep to."""

from __future__ import annotations

import numpy as np

from netsim.errors import NetsimError, RunError
from netsim.protocols import Codec, Encoded, Numbers


def carried(codec: Codec, numbers: Numbers, draws: np.random.Generator) -> Numbers:
    """What arrives of numbers [size]: encoded, and decoded.

    What has diverged goes as it is, so that the run ends with it. Raises RunError, which names the
    codec, for whatever it raises, and unless the encoding is as long as was planned.
    """
    if not len(numbers) or not np.isfinite(numbers).all():
        return numbers
    name = type(codec).__qualname__
    try:
        encoded = codec.encode(numbers, draws)
        planned = codec.encoded_bits(len(numbers))
        arrived = np.asarray(codec.decode(encoded, len(numbers)), dtype=np.float32)
    except NetsimError:
        raise
    except Exception as error:
        raise RunError(f"codec {name} raised {type(error).__name__}: {error}") from error
    _check_length(name, encoded, planned)
    if arrived.shape != numbers.shape:
        rule = f"codec {name} must decode {len(numbers)} numbers"
        raise RunError(f"{rule} (found an array of shape {arrived.shape})")
    return arrived


def _check_length(name: str, encoded: Encoded, planned: int) -> None:
    """Raises RunError unless an encoding is as long as `encoded_bits` says."""
    octets = -(-encoded.bits // 8)
    if encoded.bits != planned or len(encoded.data) != octets:
        raise RunError(
            f"codec {name}: an encoding must have the {planned} bits of encoded_bits "
            f"(found {encoded.bits} bits in {len(encoded.data)} bytes)"
        )
