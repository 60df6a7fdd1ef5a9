"""Docker on this machine: whether an engine answers, by which program Compose is called. Standard library only."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from compose.errors import ComposeError

_PATIENCE = 10  # seconds that an engine has to say who it is
_KEY = re.compile(r"^runtime:\s*[\"']?(auto|native|docker)\b", re.MULTILINE)


def answers() -> bool:
    """Whether a Docker engine does, where the environment (DOCKER_HOST) or its own default says that it is."""
    if not shutil.which("docker"):
        return False
    try:
        asked = ["docker", "version", "--format", "{{.Server.Version}}"]
        done = subprocess.run(asked, capture_output=True, text=True, timeout=_PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0 and bool(done.stdout.strip())


def composer() -> list[str]:
    """The words that call Compose: version 2, else docker-compose; none where there is neither."""
    if shutil.which("docker"):
        asked = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
        if asked.returncode == 0:
            return ["docker", "compose"]
    return ["docker-compose"] if shutil.which("docker-compose") else []


def runtime(site_file: Path, home: Path) -> str:
    """`native` or `docker`: what site.yaml says, else the one whose state is here, else containers where an engine answers.

    Asked before there is anything that reads YAML, so it looks for the one line. Raises ComposeError where containers are asked
    for by name and nothing could run them.
    """
    found = _KEY.search(site_file.read_text(encoding="utf-8", errors="replace")) if site_file.exists() else None
    wanted = found[1] if found else "auto"
    if wanted == "auto":
        if _native_before(home) or not answers():
            return "native"
        return "docker" if composer() else "native"
    if wanted == "docker":
        if not answers():
            raise ComposeError("no Docker engine answers: site.yaml: runtime: docker: start one, or set runtime: native")
        if not composer():
            raise ComposeError("Compose is missing: this machine: install the package docker-compose, or set runtime: native")
    return wanted


def _native_before(home: Path) -> bool:
    """Whether processes keep state in this home; containers keep theirs in volumes."""
    data = home / "data"
    return data.is_dir() and any(entry.name != "backup" for entry in data.iterdir())  # that one tells of backups of either


def data_folder() -> Path:
    """Where the engine keeps images and volumes, on the engine's machine."""
    return Path(run(["docker", "info", "--format", "{{.DockerRootDir}}"], what="docker info").strip())


def versions() -> tuple[str, str]:
    """The engine's version, and Compose's. Raises ComposeError."""
    engine = run(["docker", "version", "--format", "{{.Server.Version}}"], what="docker version").strip()
    return engine, run([*composer(), "version", "--short"], what="compose version").strip()


def run(words: Sequence[str], *, what: str, cwd: Path | None = None) -> str:
    """Standard output of a command of Docker's. Raises ComposeError with its last words."""
    # docker-compose 1.29 is a Python package called `compose`, as ours is.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(list(words), capture_output=True, text=True, check=False, cwd=cwd or "/", env=environment)
    if done.returncode != 0:
        last = "\n".join((done.stderr or done.stdout).strip().splitlines()[-12:])
        raise ComposeError(f"{what} failed: {words[0]}: look at its words, mend the cause, repeat:\n{last}")
    return done.stdout
