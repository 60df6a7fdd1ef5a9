"""Versions of the models on disk: JSON, no pickle; each a file, written as a whole, with a checksum and what it was made from.

    DIRECTORY/<model>/<version>.json
    DIRECTORY/<model>/pinned          the version that somebody chose by hand; absent: the newest answers

A file that does not load is left where it is, and the version before it answers.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from metrics.process import version
from stream.analysis.messages import AnalysisType

FORMAT = 1


class VersionError(Exception):
    """A version that cannot be had; the text names the file and the fix."""


class Version(Struct, frozen=True, kw_only=True):
    """A model's state with what it was made from. Times are ms UTC; `scores` are what was known of the model when it was made.

    `learned` counts outcomes, from `first` to `last`; `features` are the names that each horizon's model reads.
    """

    format: int
    model: AnalysisType
    version: int
    made_at: int
    learned: int
    first: int
    last: int
    features: list[str]
    library: str
    scores: dict[str, float]
    checksum: str
    state: dict[str, Any]


def library() -> str:
    """The program whose models are stored, with its version."""
    return f"watchfloor {version()}"


def checksum(state: dict[str, Any]) -> str:
    """Of a state, whatever the order of its keys."""
    return hashlib.sha256(msgspec.json.encode(state, order="deterministic")).hexdigest()


class Shelf:
    """The versions below one folder. The newest `keep` of each model stay, and the pinned one."""

    def __init__(self, folder: Path, keep: int) -> None:
        self.folder, self._keep = folder, keep

    def numbers(self, model: str) -> list[int]:
        """The versions of a model, the newest first."""
        names = (path.stem for path in (self.folder / model).glob("*.json"))
        return sorted((int(name) for name in names if name.isdecimal()), reverse=True)

    def load(self, model: str, number: int) -> Version:
        """One version. Raises VersionError for a file that is missing, broken, or of something else."""
        path = self.path(model, number)
        try:
            found = msgspec.json.decode(path.read_bytes(), type=Version)
        except FileNotFoundError:
            known = ", ".join(map(str, self.numbers(model))) or "none"
            raise VersionError(f"{path}: there is no version {number}: known are {known}") from None
        except (OSError, msgspec.MsgspecError) as error:
            raise VersionError(f"{path}: cannot be read ({error}): remove it, or roll back to another") from error
        if (found.format, found.model, found.version) != (FORMAT, model, number):
            raise VersionError(f"{path}: holds version {found.version} of {found.model} in format {found.format}: remove it")
        if found.checksum != checksum(found.state):
            raise VersionError(f"{path}: its checksum is wrong: it was changed or cut short: remove it")
        return found

    def candidates(self, model: str) -> Iterator[int]:
        """The versions that may answer, the best first: the pinned one, then those before it; without a pin, the newest first."""
        pinned = self.pinned(model)
        yield from (number for number in self.numbers(model) if pinned is None or number <= pinned)

    def add(self, new: Version) -> Version:
        """Writes a version under the next free number, and removes the oldest. Raises OSError."""
        folder = self.folder / new.model
        folder.mkdir(parents=True, exist_ok=True)
        numbers = self.numbers(new.model)
        made = msgspec.structs.replace(new, version=max(numbers, default=0) + 1, checksum=checksum(new.state))
        _replace(self.path(new.model, made.version), msgspec.json.encode(made))
        pinned = self.pinned(new.model)
        for number in numbers[self._keep - 1 :]:
            if number != pinned:
                self.path(new.model, number).unlink(missing_ok=True)
        return made

    def path(self, model: str, number: int) -> Path:
        """The file of a version."""
        return self.folder / model / f"{number}.json"

    # -- by hand -----------------------------------------------------------------------------------------------------
    def pinned(self, model: str) -> int | None:
        """The version that was chosen by hand; None where the newest answers."""
        try:
            text = (self.folder / model / "pinned").read_text(encoding="ascii").strip()
        except (OSError, UnicodeError):
            return None
        return int(text) if text.isdecimal() else None

    def pin(self, model: str, number: int) -> Version:
        """Lets this version answer until `release`. Raises VersionError, OSError."""
        found = self.load(model, number)
        _replace(self.folder / model / "pinned", f"{number}\n".encode())
        return found

    def release(self, model: str) -> None:
        """Lets the newest version answer again. Raises OSError."""
        (self.folder / model / "pinned").unlink(missing_ok=True)


def _replace(path: Path, content: bytes) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            os.fchmod(file.fileno(), 0o644)
        Path(temporary).replace(path)
    finally:
        Path(temporary).unlink(missing_ok=True)
