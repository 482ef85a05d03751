import sys

import numpy as np
import pytest

from voice_ai import mulaw

EVERY_SAMPLE = np.arange(-32768, 32768).astype(np.int16)
EVERY_BYTE = bytes(range(256))

if sys.version_info >= (3, 13):
    audioop = pytest.importorskip("audioop")
else:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        import audioop


def test_encodes_every_sample_as_the_standard_library_does() -> None:
    assert mulaw.encode(EVERY_SAMPLE) == audioop.lin2ulaw(EVERY_SAMPLE.tobytes(), 2)


def test_encodes_little_endian_bytes_like_samples() -> None:
    assert mulaw.encode(EVERY_SAMPLE.astype("<i2").tobytes()) == mulaw.encode(EVERY_SAMPLE)


def test_decodes_every_byte_as_the_standard_library_does() -> None:
    assert mulaw.decode(EVERY_BYTE).tobytes() == audioop.ulaw2lin(EVERY_BYTE, 2)


def test_only_the_second_zero_changes_on_the_way_through_16_bit() -> None:
    round_trip = mulaw.encode(mulaw.decode(EVERY_BYTE))
    assert [was for was, now in zip(EVERY_BYTE, round_trip, strict=True) if was != now] == [0x7F]
    assert round_trip[0x7F] == mulaw.SILENCE[0]
