"""The containers' volumes: each is worked on by a container of our image that sees it alone, as the volume's own user."""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from compose import engine
from compose.errors import ComposeError
from compose.images import CONTAINERS

_PLACE = "/state"
_CHUNK = 1 << 20
_ENDED_WITHIN = 30.0  # seconds
# No network, no rights, nothing to write to but the volume.
_WALLED = (
    "--network", "none", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges:true",
    "--log-driver", "none",  # what is packed goes by standard output
)  # fmt: skip


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

    def unpack(self, service: str, source: Path, *more: str) -> None:
        """A file's content beside what is there; `more` as compose/volume.py wants it."""
        words = self._words(service, "unpack", *more, reads=True)
        with source.open("rb") as stream:
            done = subprocess.run(words, stdin=stream, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            last = done.stderr.strip()[-500:]
            raise ComposeError(f"unpacking {service} failed: nothing was changed: look at {source}:\n{last}")

    def _words(self, service: str, action: str, *more: str, reads: bool = False) -> list[str]:
        name = self._alone(service)
        seen = ["-v", f"{self._name(service)}:{_PLACE}", "--user", CONTAINERS[service].user, "--name", name]
        listens = ["-i"] if reads else []
        program = [self.image, "-m", "compose.volume", action, _PLACE, *more]
        return ["docker", "run", "--rm", *listens, *_WALLED, *seen, *program]

    def _alone(self, service: str) -> str:
        """A name for a container that works on the volume alone: the one of a command that was killed may not have ended yet."""
        name, end = f"{self.project}-volume-{service}", time.monotonic() + _ENDED_WITHIN
        while engine.run(["docker", "ps", "-aq", "--filter", f"name=^/{name}$"], what="docker ps").strip():
            if time.monotonic() > end:
                raise ComposeError(f"the container {name} does not end: `docker rm -f {name}`")
            subprocess.run(["docker", "rm", "-f", name], capture_output=True, check=False)
            time.sleep(0.1)
        return name

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
    with (
        tempfile.TemporaryFile() as said,
        subprocess.Popen(list(words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=said) as process,
    ):
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
