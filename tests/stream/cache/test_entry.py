import struct
import zlib
from typing import Any

import msgspec
import pytest
import zstandard
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stream.cache.entry import LARGEST, Codec, Entry, PoisonedError

CODEC = Codec(compress_above=64)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


def entry(data: Any, key: str = "k") -> Entry:
    return Entry(key, 1, 2, 3, ("t",), data)


@given(PLAIN)
@example("x" * 10_000)
@settings(max_examples=80, deadline=None)
def test_what_goes_in_comes_out(data: Any) -> None:
    packed = CODEC.pack(entry(data))

    assert CODEC.unpack("k", packed.data) == packed
    assert packed.entry == entry(data)


@given(PLAIN, st.data())
@settings(max_examples=80, deadline=None)
def test_one_flipped_bit_or_a_lost_tail_never_decodes(data: Any, chance: st.DataObject) -> None:
    whole = CODEC.pack(entry(data)).data
    position = chance.draw(st.integers(0, len(whole) * 8 - 1))
    flipped = bytearray(whole)
    flipped[position // 8] ^= 1 << position % 8

    for poisoned in (bytes(flipped), whole[: position // 8], whole + b"\0"):
        with pytest.raises(PoisonedError):
            CODEC.unpack("k", poisoned)


@given(st.binary(max_size=200))
@settings(max_examples=80, deadline=None)
def test_foreign_bytes_never_decode(data: bytes) -> None:
    with pytest.raises(PoisonedError):
        CODEC.unpack("k", data)


def _sealed(body: bytes, version: int = 1, flags: int = 0) -> bytes:
    return struct.pack(">2sBBI", b"WC", version, flags, zlib.crc32(body)) + body


GOOD = msgspec.msgpack.encode(entry(1))


@pytest.mark.parametrize(
    "data",
    [
        _sealed(GOOD, version=0),
        _sealed(GOOD, version=2),
        _sealed(GOOD, flags=2),
        _sealed(GOOD, flags=1),
        _sealed(msgspec.msgpack.encode({"key": "k"})),
        _sealed(msgspec.msgpack.encode(["k", "yesterday", 2, 3, [], 1])),
        _sealed(msgspec.msgpack.encode(["k", 1, 2])),
        _sealed(zstandard.compress(b"\0" * (LARGEST + 1)), flags=1),
        _sealed(b"\x91" * 100_000),
    ],
    ids=["older", "newer", "unknown flag", "not compressed", "no list", "wrong type", "too few", "a bomb", "deep"],
)
def test_a_sealed_entry_of_another_make_is_poisoned(data: bytes) -> None:
    with pytest.raises(PoisonedError):
        CODEC.unpack("k", data)


def test_an_entry_of_another_key_is_poisoned() -> None:
    with pytest.raises(PoisonedError, match="another key: k"):
        CODEC.unpack("l", CODEC.pack(entry(1)).data)


def test_large_values_are_compressed_and_larger_ones_refused() -> None:
    packed = CODEC.pack(entry("x" * 10_000))

    assert len(packed.data) < 200
    assert packed.size > 10_000
    with pytest.raises(ValueError, match="more than the cache takes"):
        CODEC.pack(entry("x" * LARGEST))
