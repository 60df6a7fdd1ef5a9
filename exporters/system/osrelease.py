"""The distribution, from os-release(5). The collector is called `os`, as upstream's. psutil has none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from exporters.system.procfs import Roots
from metrics.model import Sample
from metrics.system import host as m

_VERSION = re.compile(r"\d+\.?\d*")
_ESCAPED = re.compile(r"\\([$\"`\\])")


def parse(text: str) -> dict[str, str]:
    """Its variables; values are quoted as a shell would."""
    result = {}
    for line in text.splitlines():
        name, equals, value = line.strip().partition("=")
        if equals and not name.startswith("#"):
            result[name] = _unquoted(value)
    return result


def _unquoted(value: str) -> str:
    """A value without its quotes; within double ones a backslash stands before `$`, `"`, backtick and backslash."""
    quote = value[:1]
    if len(value) < 2 or quote not in ("'", '"') or value[-1] != quote:
        return value
    return _ESCAPED.sub(r"\1", value[1:-1]) if quote == '"' else value[1:-1]


def samples(release: dict[str, str]) -> Iterator[Sample]:
    """Info, version and end of support, as far as the distribution tells."""
    yield m.OS_INFO, tuple(release.get(label.upper(), "") for label in m.OS_INFO.labels), 1
    if found := _VERSION.match(release.get("VERSION_ID", "")):
        yield m.OS_VERSION, tuple(release.get(label.upper(), "") for label in m.OS_VERSION.labels), float(found[0])
    if end := release.get("SUPPORT_END"):
        yield m.OS_SUPPORT_END, (), int(datetime.strptime(end, "%Y-%m-%d").replace(tzinfo=UTC).timestamp())


class OsRelease:
    """The distribution."""

    name = "os"
    help = "Distribution, its version, the end of its support."
    emits = (m.OS_INFO, m.OS_VERSION, m.OS_SUPPORT_END)

    def __init__(self, roots: Roots) -> None:
        self._paths = (roots.root / "etc/os-release", roots.root / "usr/lib/os-release")
        self._known: tuple[float, list[Sample]] = (0.0, [])

    def collect(self) -> list[Sample]:
        """Parsed again when the file changes; nothing where there is none."""
        for path in self._paths:
            try:
                changed = path.stat().st_mtime
            except OSError:
                continue
            if changed != self._known[0]:
                self._known = (changed, list(samples(parse(path.read_text("utf-8", "replace")))))
            return self._known[1]
        return []
