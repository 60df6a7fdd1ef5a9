"""The layout of the home: which version wrote what is there, so that an older appliance does not run on a newer one's state.

PostgreSQL's data and the inbox's database have versions of their own, looked at where each is opened.
"""

from __future__ import annotations

from pathlib import Path

from compose.errors import ComposeError
from settings import Paths

LAYOUT = 1  # raised with a step that brings older homes forward


def file(paths: Paths) -> Path:
    """Where the version stands; not there in a home that was made before it was written down, which has layout 1."""
    return paths.home / "VERSION"


def refuse_newer(paths: Paths) -> None:
    """Raises ComposeError for a home that a newer version made, or whose version cannot be read; changes nothing."""
    try:
        text = file(paths).read_text(encoding="utf-8", errors="replace").strip()
    except FileNotFoundError:
        return
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise ComposeError(
            f"{file(paths)}: holds no version but {text[:20]!r}: write {LAYOUT} into it if this version ran here last"
        )
    if int(text) > LAYOUT:
        raise ComposeError(
            f"{paths.home} was made by a newer version (layout {text}, this one knows up to {LAYOUT}): "
            "start that version again, or give this one a home of its own by WATCHFLOOR_HOME"
        )


def remember(paths: Paths) -> None:
    """Writes the version down, by one rename: a start that is cut off leaves no half of it."""
    text = f"{LAYOUT}\n"
    if file(paths).exists() and file(paths).read_text(encoding="utf-8", errors="replace") == text:
        return
    new = paths.home / "VERSION.new"
    new.write_text(text, encoding="ascii")
    new.replace(file(paths))


def cluster(paths: Paths) -> Path:
    """Where it stands which major version of PostgreSQL made the cluster in the containers' volume."""
    return paths.home / "containers" / "postgres"


def refuse_other_cluster(paths: Paths, major: str) -> None:
    """Raises ComposeError where another version made it: the image would begin an empty one beside it."""
    try:
        known = cluster(paths).read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return
    if known != major:
        raise ComposeError(
            f"the volume holds the cluster of PostgreSQL {known}, the image is {major}'s, which would begin an empty one:"
            f" put {known} back into compose/images/pins.yaml, or move the rows (docs/guides/upgrade.md), `make clean`,"
            f" and start anew; without that volume, remove {cluster(paths)}"
        )


def remember_cluster(paths: Paths, major: str) -> None:
    """Writes it down, by one rename."""
    new = cluster(paths).with_suffix(".new")
    new.write_text(f"{major}\n", encoding="ascii")
    new.replace(cluster(paths))
