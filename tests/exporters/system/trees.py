"""A machine's /proc, /sys and / made of recorded texts, and samples as plain text."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from exporters.system.procfs import Roots
from metrics.expose import Renderer
from metrics.model import Sample


def tree(folder: Path, files: Mapping[str, str]) -> Roots:
    """Roots under `folder`; file names begin with proc/, sys/ or root/."""
    for name in ("proc", "sys", "root"):
        (folder / name).mkdir(exist_ok=True)
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Roots(folder / "proc", folder / "sys", folder / "root")


def lines(samples: Iterable[Sample]) -> list[str]:
    """The exposition's lines without comments, sorted."""
    text = Renderer().render(samples).decode()
    return sorted(line for line in text.splitlines() if not line.startswith("#"))
