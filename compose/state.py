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
