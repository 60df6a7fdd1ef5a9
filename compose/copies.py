"""Copies of the secrets that containers read; whoever reads one keeps the file that it began with."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from pathlib import Path


class Copies:
    """A folder that nobody else may enter, with files that `group` may read.

    Whose copy is older than the secret is remembered on disk until `renewed`: a start may fail in between.
    """

    def __init__(self, folder: Path, group: int) -> None:
        self._folder, self._group = folder, group
        self._behind = folder.with_name(f"{folder.name}.behind")

    def write(self, texts: Mapping[str, bytes], readers: Mapping[str, Collection[str]]) -> list[str]:
        """Writes the secrets that have changed, by name; those of `readers`, by service, that have to begin anew.

        Raises OSError.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        self._folder.chmod(0o700)
        changed = {name for name, text in texts.items() if not self._is(name, text)}
        earlier = set(self._behind.read_text(encoding="utf-8").split()) if self._behind.exists() else set()
        behind = [service for service, held in readers.items() if service in earlier or changed & set(held)]
        if behind:
            self._behind.write_text("".join(f"{service}\n" for service in behind), encoding="utf-8")
        for name in changed:
            copy = self._folder / name
            copy.unlink(missing_ok=True)  # whoever reads it has the old one
            copy.touch(mode=0o600)
            os.chown(copy, -1, self._group)
            copy.chmod(0o640)
            copy.write_bytes(texts[name])
        return behind

    def renewed(self, names: Collection[str] = ()) -> None:
        """All have begun anew, and nobody reads a copy any more that is not one of these (none given: all stay)."""
        self._behind.unlink(missing_ok=True)
        for copy in self._folder.iterdir() if names else ():
            if copy.name not in names:
                copy.unlink()

    def _is(self, name: str, text: bytes) -> bool:
        copy = self._folder / name
        return copy.exists() and copy.read_bytes() == text
