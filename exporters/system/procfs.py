"""Reading /proc and /sys: files kept open, one pread a read."""

from __future__ import annotations

import errno
import os
import time
from dataclasses import dataclass
from pathlib import Path

_CHUNK = 65_536
_PAGE = 4096  # no file of /sys is longer
_GONE = (errno.ENODEV, errno.ESTALE, errno.EBADF)


@dataclass(frozen=True)
class Roots:
    """Where the machine's trees are: elsewhere when the exporter runs in a container, or in a test."""

    proc: Path = Path("/proc")
    sys: Path = Path("/sys")
    root: Path = Path("/")


class ProcFile:
    """A file that stays open from scrape to scrape: opening costs more than reading what is behind it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd = -1
        self._last = b""
        self._read_at = 0.0

    def raw(self) -> bytes:
        """The content of now. Raises OSError (FileNotFoundError when there is no such file)."""
        if self._fd >= 0:
            try:
                return self._content()
            except OSError:
                self.close()  # the device behind it went away; another of its name may have come
        self._fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        return self._content()

    def value(self) -> str:
        """A short text of /sys or /proc/sys, without surrounding blanks. Raises OSError as `raw()` does."""
        if self._fd >= 0:
            try:
                return os.pread(self._fd, _PAGE, 0).decode("utf-8", "replace").strip()
            except OSError as error:
                if error.errno not in _GONE:
                    raise
                self.close()
        self._fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        return os.pread(self._fd, _PAGE, 0).decode("utf-8", "replace").strip()

    def text(self) -> str:
        """The content of now as text; bytes that are no UTF-8 survive as surrogates."""
        return self.raw().decode("utf-8", "surrogateescape")

    def shared(self, seconds: float = 0.05) -> bytes:
        """The content, at most `seconds` old: for two collectors of one scrape that read one file."""
        now = time.monotonic()
        if now - self._read_at > seconds:
            self._last = self.raw()
            self._read_at = now
        return self._last

    def close(self) -> None:
        """Closes the file; the next read opens it again."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __del__(self) -> None:
        self.close()

    def _content(self) -> bytes:
        # The kernel hands out at most a page of some files (diskstats, vmstat) per read: read until nothing comes.
        data = os.pread(self._fd, _CHUNK, 0)
        if not data:
            return data
        parts, offset = [data], len(data)
        while data := os.pread(self._fd, _CHUNK, offset):
            parts.append(data)
            offset += len(data)
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
