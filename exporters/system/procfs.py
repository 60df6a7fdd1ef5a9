"""Reading /proc and /sys: files kept open, one pread a read."""

from __future__ import annotations

import errno
import os
import time
from dataclasses import dataclass
from pathlib import Path

_CHUNK = 65_536
_PAGE = 4096  # the kernel's: no file of /sys is longer, no read of a file of many records longer than one
_SAME_SCRAPE = 0.01  # seconds
_GONE = (errno.ENODEV, errno.ESTALE, errno.EBADF)


@dataclass(frozen=True)
class Roots:
    """Where the machine's trees are: elsewhere when the exporter runs in a container, or in a test."""

    proc: Path = Path("/proc")
    sys: Path = Path("/sys")
    root: Path = Path("/")

    @property
    def net(self) -> Path:
        """The machine's network figures: those of its first process, where its /proc is seen from a container."""
        first = self.proc / "1/net"
        return first if self.proc != Path("/proc") and first.is_dir() else self.proc / "net"


class ProcFile:
    """A file that stays open from scrape to scrape: opening costs more than reading what is behind it.

    `record` is the length in bytes that no record (line, mostly) of the file exceeds.
    """

    def __init__(self, path: Path, record: int = 2048) -> None:
        self.path = path
        self._short = _PAGE - record
        self._fd = -1
        self._shared = b""
        self._shared_at = 0.0

    def raw(self) -> bytes:
        """The content of now. Raises OSError (FileNotFoundError when there is no such file)."""
        if self._fd >= 0:
            try:
                return self._content()
            except OSError:
                self.close()  # the device behind it went away; another of its name may have come
        self._fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        return self._content()

    def number(self) -> bytes:
        """A short file of /sys or /proc/sys, by one read: `int()` takes it as it is. Raises OSError as `raw()` does."""
        if self._fd >= 0:
            try:
                return os.pread(self._fd, _PAGE, 0)
            except OSError as error:
                if error.errno not in _GONE:
                    raise
                self.close()
        self._fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        return os.pread(self._fd, _PAGE, 0)

    def value(self) -> str:
        """A short file of /sys or /proc/sys as text, without surrounding blanks. Raises OSError as `raw()` does."""
        return self.number().decode("utf-8", "replace").strip()

    def text(self) -> str:
        """The content of now as text; bytes that are no UTF-8 survive as surrogates."""
        return self.raw().decode("utf-8", "surrogateescape")

    def share(self) -> bytes:
        """The content of now, kept for the next collector of this scrape that reads the same file."""
        self._shared, self._shared_at = self.raw(), time.monotonic()
        return self._shared

    def take(self) -> bytes:
        """What `share()` has just read, once; the content of now when that is not so."""
        data, self._shared = self._shared, b""
        return data if data and time.monotonic() - self._shared_at < _SAME_SCRAPE else self.raw()

    def close(self) -> None:
        """Closes the file; the next read opens it again."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __del__(self) -> None:
        self.close()

    def _content(self) -> bytes:
        # Of files with many records the kernel hands out at most a page per read, as many records as fit. A short read
        # was the last one; asking again would have it build everything anew (/proc/net/udp walks all its buckets).
        data = os.pread(self._fd, _CHUNK, 0)
        if len(data) < self._short:
            return data
        parts, offset = [data], len(data)
        while data := os.pread(self._fd, _CHUNK, offset):
            parts.append(data)
            offset += len(data)
            if len(data) < self._short:
                break
        return parts[0] if len(parts) == 1 else b"".join(parts)


def read_line(path: Path) -> str:
    """A small file's text without surrounding blanks; empty when it cannot be read (many of /sys can't, by design)."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        return os.pread(fd, 4096, 0).decode("utf-8", "replace").strip()
    except OSError:
        return ""
    finally:
        os.close(fd)
