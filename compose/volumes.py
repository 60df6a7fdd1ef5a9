"""The containers' volumes: each is worked on by a container of our image that sees it alone, as the volume's own user."""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from compose import engine
from compose.errors import ComposeError
from compose.images import CONTAINERS

_PLACE = "/state"
_CHUNK = 1 << 20
# No network, no rights, nothing to write to but the volume.
_WALLED = ("--network", "none", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges:true")


@dataclass(frozen=True)
class Volumes:
    """Those of one project; `image` is ours, by its full name."""

    project: str
    image: str

    def run(self, service: str, action: str, *more: str) -> None:
        """One of compose/volume.py's actions. Raises ComposeError with its words."""
        engine.run(self._words(service, action, *more), what=f"{action} of {service}")

    def pack(self, service: str, target: Path) -> str:
        """What was staged, into a file that is its owner's; returns its SHA-256."""
        return save(self._words(service, "pack"), target, f"packing {service}")

    def unpack(self, service: str, source: Path, below: str = "") -> None:
        """A file's content beside what is there."""
        with source.open("rb") as stream:
            done = subprocess.run(
                self._words(service, "unpack", below), stdin=stream, capture_output=True, text=True, check=False
            )
        if done.returncode != 0:
            raise ComposeError(
                f"unpacking {service} failed: nothing was changed: look at {source}:\n{done.stderr.strip()[-500:]}"
            )

    def _words(self, service: str, action: str, *more: str) -> list[str]:
        seen = ["-v", f"{self._name(service)}:{_PLACE}", "--user", CONTAINERS[service].user]
        return ["docker", "run", "--rm", "-i", *_WALLED, *seen, self.image, "-m", "compose.volume", action, _PLACE, *more]

    def _name(self, service: str) -> str:
        labels = ("project", self.project), ("volume", service)
        wanted = [word for key, value in labels for word in ("--filter", f"label=com.docker.compose.{key}={value}")]
        names = engine.run(["docker", "volume", "ls", "-q", *wanted], what="docker volume ls").split()
        if len(names) != 1:
            raise ComposeError(f"the volume of {service} is not there: `docker volume ls`: `make up` makes it")
        return names[0]


def save(words: Sequence[str], target: Path, what: str) -> str:
    """A command's standard output into a new file, 0600; returns its SHA-256. Raises ComposeError with its last words."""
    digest = hashlib.sha256()
    with tempfile.TemporaryFile() as said, subprocess.Popen(list(words), stdout=subprocess.PIPE, stderr=said) as process:
        assert process.stdout
        with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            while chunk := process.stdout.read(_CHUNK):
                digest.update(chunk)
                file.write(chunk)
        if process.wait() != 0:
            said.seek(0)
            last = said.read().decode(errors="replace").strip()[-500:]
            raise ComposeError(f"{what} failed: {words[0]}: look at its words, mend the cause, repeat:\n{last}")
    return digest.hexdigest()


def sha256_of(file: Path) -> str:
    """A file's SHA-256, in hexadecimal."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
