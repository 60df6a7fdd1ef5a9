"""A cached value as bytes, and back: MessagePack, compressed above a size, with a version and a checksum.

    2 bytes "WC" · 1 byte version · 1 byte flags (1: compressed) · 4 bytes CRC-32 of the rest (big endian) · body

What is truncated, damaged, of another version or of another key does not decode: it is a miss. The checksum finds accidents; who
may write into Redis may write what he likes, which is why nothing here runs code (as pickle would).
"""

from __future__ import annotations

import struct
import zlib
from typing import Any, NamedTuple

import msgspec
import zstandard

VERSION = 1
LARGEST = 2**20  # bytes of a body, compressed or not: more would not cross to Redis and back within its few milliseconds
_HEAD = struct.Struct(">2sBBI")
_MAGIC = b"WC"
_COMPRESSED = 1


class PoisonedError(ValueError):
    """Bytes that are no entry of this key: the message says why."""


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """One value: of which key, when it was made, until when it is fresh and until when it may be served stale (ms UTC).

    `data` holds plain values only: None, booleans, numbers, texts, bytes, lists, dicts by text. None: known to be absent.
    """

    key: str
    created: int
    fresh: int
    expires: int
    tags: tuple[str, ...]
    data: Any


class Packed(NamedTuple):
    """An entry, its bytes, and how many bytes it has before compression."""

    entry: Entry
    data: bytes
    size: int


class Codec:
    """Encodes and decodes entries; for one thread."""

    def __init__(self, compress_above: int) -> None:
        self._above = compress_above
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(Entry)
        self._compress = zstandard.ZstdCompressor(level=1).compress
        self._decompress = zstandard.ZstdDecompressor().decompress

    def pack(self, entry: Entry) -> Packed:
        """The bytes of an entry, and the entry as every reader will see it.

        Raises TypeError or ValueError for data that MessagePack cannot hold or that is too large.
        """
        body, flags = self._encoder.encode(entry), 0
        size = len(body)
        if size > LARGEST:
            raise ValueError(f"{entry.key}: {size} bytes are more than the cache takes ({LARGEST})")
        seen = self._decoder.decode(body)
        if size > self._above:
            body, flags = self._compress(body), _COMPRESSED
        return Packed(seen, _HEAD.pack(_MAGIC, VERSION, flags, zlib.crc32(body)) + body, size)

    def unpack(self, key: str, data: bytes) -> Packed:
        """The entry of `key` in these bytes. Raises PoisonedError for anything else."""
        if len(data) < _HEAD.size:
            raise PoisonedError("too short")
        magic, version, flags, checksum = _HEAD.unpack_from(data)
        if magic != _MAGIC or version != VERSION or flags & ~_COMPRESSED:
            raise PoisonedError("of another kind or version")
        body = data[_HEAD.size :]
        if zlib.crc32(body) != checksum:
            raise PoisonedError("damaged")
        try:
            if flags:
                body = self._inflated(body)
            entry = self._decoder.decode(body)
        except (zstandard.ZstdError, msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise PoisonedError(f"does not decode: {error}") from error
        if entry.key != key:
            raise PoisonedError(f"of another key: {entry.key}")
        return Packed(entry, data, len(body))

    def _inflated(self, body: bytes) -> bytes:
        """The body as it was. Raises PoisonedError for one that claims to be larger than we ever write."""
        size = zstandard.frame_content_size(body)
        if not 0 <= size <= LARGEST:
            raise PoisonedError(f"claims {size} bytes")
        return self._decompress(body, max_output_size=LARGEST)
