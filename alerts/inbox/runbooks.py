"""Runbooks: Markdown files, one an alert, as pages."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

from settings.paths import CLONE, Paths

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,100}")
_COMMENT = re.compile(r"\A\s*<!--.*?-->\s*", re.DOTALL)  # generated pages begin with one; as text it would be noise
_TITLE = re.compile(r"^# +(.+?) *#*$", re.MULTILINE)


@dataclass(frozen=True)
class Runbook:
    """One page: the alert it is for, its title, its body as HTML that is safe to show."""

    alert: str
    title: str
    html: str


class Runbooks:
    """The runbooks of a folder; read when asked for, so that an edit shows at once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # No HTML passes through, and markdown-it refuses links with javascript: and the like by itself.
        self._markdown = MarkdownIt("commonmark", {"html": False}).enable("table")

    @classmethod
    def of(cls, paths: Paths) -> Runbooks:
        """Those of the clone, else the copies that were rendered beside the rules."""
        clone = CLONE / "docs" / "runbooks"
        return cls(clone if clone.is_dir() else paths.rendered / "runbooks")

    def names(self) -> list[str]:
        """The alerts that have one."""
        return sorted(path.stem for path in self._folder.glob("*.md") if _NAME.fullmatch(path.stem))

    def text(self, alert: str) -> str:
        """The runbook as it was written; empty where there is none."""
        try:
            return (self._folder / f"{alert}.md").read_text(encoding="utf-8") if _NAME.fullmatch(alert) else ""
        except OSError:
            return ""

    def find(self, alert: str) -> Runbook | None:
        """The runbook of that alert; None when there is none or the name is no alert's."""
        if not _NAME.fullmatch(alert):
            return None
        try:
            text = (self._folder / f"{alert}.md").read_text(encoding="utf-8")
        except OSError:
            return None
        text = _COMMENT.sub("", text)
        title = _TITLE.search(text)
        return Runbook(alert, title[1] if title else alert, self._markdown.render(text))
