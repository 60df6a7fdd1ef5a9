"""Rows on disk before anybody is told of them: an append-only journal of records in segment files.

A record is a length, a CRC-32 and that many bytes. A position counts bytes since the journal's first one, across segments; each
segment's name is the position at which it begins. What a process has written is there after its `kill -9`; what the machine loses
with its power is at most what was written since the last `sync`. One process holds a journal at a time, by a lock on its folder.
"""

from __future__ import annotations

import fcntl
import os
import struct
import uuid
import zlib
from collections.abc import Iterator
from pathlib import Path

SEGMENT_BYTES = 8 * 2**20
_HEAD = struct.Struct("<II")
_LARGEST = 2**20  # bytes of one record: a length above it is no length


class FullError(OSError):
    """The journal has reached its cap: what is not written by then is lost."""


class Journal:
    """The journal in one folder. Raises BlockingIOError where another process holds it, and OSError where it cannot be used."""

    def __init__(self, folder: Path, cap: int, segment: int = SEGMENT_BYTES) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self._cap, self._segment = folder, cap, segment
        self._lock, self._tail = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), -1
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.id = self._identity()
            self.corrupt = 0  # bytes that were skipped because they are no records any more
            self._starts = sorted(int(path.stem) for path in folder.glob("*.log")) or [0]
            self._tail = self._open(self._starts[-1])
            self.end = self._recover()
        except BaseException:
            for descriptor in (self._lock, self._tail):
                if descriptor >= 0:
                    os.close(descriptor)
            raise
        self.synced = self.end  # what is known to be on the disk itself

    def _identity(self) -> str:
        """What the data store knows this journal by: a folder that was emptied is another journal."""
        file = self.folder / "id"
        if not file.exists():
            fresh = file.with_name("id.new")
            fresh.write_text(uuid.uuid4().hex, encoding="ascii")
            fresh.replace(file)
        return file.read_text(encoding="ascii")

    def _path(self, start: int) -> Path:
        return self.folder / f"{start:020d}.log"

    def _open(self, start: int) -> int:
        return os.open(self._path(start), os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def _recover(self) -> int:
        """Cuts off what a crash left of a record at the very end; the position of the end."""
        start = self._starts[-1]
        data = os.pread(self._tail, os.fstat(self._tail).st_size, 0)
        good = 0
        for _, after in _records(data):
            good = after
        if good < len(data):
            head = data[good : good + _HEAD.size]
            if len(head) == _HEAD.size and good + _HEAD.size + _HEAD.unpack(head)[0] <= len(data):
                self.corrupt += len(data) - good  # a whole record that is wrong: no crash leaves that
            os.ftruncate(self._tail, good)
        return start + good

    @property
    def start(self) -> int:
        """The first position that is still there."""
        return self._starts[0]

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return self.end - self.start

    def append(self, payload: bytes) -> int:
        """Writes a record; the position after it.

        Raises FullError above the cap, OSError where the disk refuses; then nothing of it is there.
        """
        size = _HEAD.size + len(payload)
        if self.size + size > self._cap:
            raise FullError(f"{self.folder}: {self._cap} bytes wait for the database already")
        if self.end - self._starts[-1] >= self._segment:
            self._roll()
        try:
            written = os.write(self._tail, _HEAD.pack(len(payload), zlib.crc32(payload)) + payload)
        except OSError:
            os.ftruncate(self._tail, self.end - self._starts[-1])
            raise
        if written != size:  # a disk that is full takes a part
            os.ftruncate(self._tail, self.end - self._starts[-1])
            raise OSError(28, "no space left for a whole record", str(self.folder))
        self.end += size
        return self.end

    def _roll(self) -> None:
        tail = self._open(self.end)
        try:
            os.fdatasync(self._tail)
            folder = os.open(self.folder, os.O_RDONLY)
            try:
                os.fsync(folder)  # a file's name is kept by its folder
            finally:
                os.close(folder)
        except OSError:
            os.close(tail)  # it is tried again, many times where a disk is full
            raise
        os.close(self._tail)
        self._tail = tail
        self._starts.append(self.end)

    def sync(self) -> None:
        """Has the disk keep what was written so far; may run in a thread of its own."""
        end, tail = self.end, os.dup(self._tail)
        try:
            os.fdatasync(tail)
        finally:
            os.close(tail)
        self.synced = max(self.synced, end)

    def read(self, position: int, most: int) -> tuple[list[bytes], list[int]]:
        """Records from `position` on, about `most` bytes of one segment, and the position after each.

        What is no record any more is skipped up to the next segment and counted in `corrupt`: no records then, and one position.
        """
        position = max(position, self.start)
        if position >= self.end:
            return [], []
        start = max(begin for begin in self._starts if begin <= position)
        stop = min((begin for begin in self._starts if begin > position), default=self.end)
        data = self._pread(start, position - start, min(stop - position, max(most, _HEAD.size + _LARGEST)))
        payloads, after = [], []
        for payload, end in _records(data):
            payloads.append(payload)
            after.append(position + end)
            if end >= most:
                break
        if not payloads:
            self.corrupt += stop - position
            after = [stop]
        return payloads, after

    def _pread(self, start: int, offset: int, size: int) -> bytes:
        file = os.open(self._path(start), os.O_RDONLY | os.O_CLOEXEC)
        try:
            return os.pread(file, size, offset)
        finally:
            os.close(file)

    def trim(self, position: int) -> None:
        """Forgets whole segments before `position`."""
        while len(self._starts) > 1 and self._starts[1] <= position:
            self._path(self._starts.pop(0)).unlink(missing_ok=True)
        if position >= self.end and self.end - self._starts[-1] >= self._segment:
            self._roll()
            self._path(self._starts.pop(0)).unlink(missing_ok=True)

    def close(self) -> None:
        """Keeps what is there, and lets others have it."""
        os.close(self._tail)
        os.close(self._lock)


def _records(data: bytes) -> Iterator[tuple[bytes, int]]:
    """(payload, offset after it) of the whole and sound records at the start of `data`."""
    offset = 0
    while offset + _HEAD.size <= len(data):
        length, crc = _HEAD.unpack_from(data, offset)
        end = offset + _HEAD.size + length
        if length > _LARGEST or end > len(data):
            return
        payload = data[offset + _HEAD.size : end]
        if zlib.crc32(payload) != crc:
            return
        yield payload, end
        offset = end
