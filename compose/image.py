"""Our image: its tag follows the code, and it is built where there is none of that tag."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path

from compose import engine
from compose.images import OURS
from metrics.process import version
from settings.paths import CLONE

DOCKERFILE = Path("compose/images/watchfloor/Dockerfile")
# What it is made from; `.dockerignore` names the same.
SOURCES = (
    "alerts", "compose", "dashboards", "docs/runbooks", "exporters", "metrics", "requirements/runtime.txt", "settings", "stream",
    "pyproject.toml", "site.example.yaml",
)  # fmt: skip
_DYGRAPHS = Path("/usr/share/javascript/dygraphs")
_LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc")


def tag() -> str:
    """The version, and a digest of all that goes into the image."""
    digest = hashlib.sha256()
    for name in SOURCES:
        top = CLONE / name
        for path in [top] if top.is_file() else sorted(top.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(f"{path.relative_to(CLONE)}\0".encode() + path.read_bytes() + b"\0")
    return f"{version()}-{digest.hexdigest()[:12]}"


def present(name: str) -> bool:
    """Whether the engine has an image of that name."""
    return subprocess.run(["docker", "image", "inspect", name], capture_output=True, check=False).returncode == 0


def build(wanted: str, *, base: str = "", builder: str = "", wheels: Path | None = None) -> None:
    """Builds our image with that tag, on `base` and within `builder` where they are given, from `wheels` instead of an index.

    The context is a folder of its own: nothing else of the clone, site.yaml and secrets least of all, is sent to the engine.
    Raises ComposeError with the last words of a build that fails.
    """
    with tempfile.TemporaryDirectory(prefix="watchfloor-image-") as folder:
        context = Path(folder)
        for name in SOURCES:
            source, target = CLONE / name, context / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, ignore=_LEFT_OUT)
            else:
                shutil.copyfile(source, target)
        if wheels:
            shutil.copytree(wheels, context / "wheels", ignore=shutil.ignore_patterns("watchfloor-*"))
        if _DYGRAPHS.is_dir():  # of Debian's package; without it the preview's page lacks its charts
            (context / "javascript").mkdir()
            for path in _DYGRAPHS.glob("dygraph*.*"):
                shutil.copyfile(path, context / "javascript" / path.name)
        words = ["docker", "build", "--file", str(context / DOCKERFILE), "--tag", f"{OURS}:{wanted}"]
        given = {"BASE": base, "BUILD": builder}
        words += [word for name, value in given.items() if value for word in ("--build-arg", f"{name}={value}")]
        engine.run([*words, str(context)], what="building our image")
