"""The files that a page is made of: our own, the common stylesheet, and Dygraphs as the distribution installs it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from settings import look

OWN = Path(__file__).parent / "assets"
VENDOR = Path("/usr/share/javascript/dygraphs")
VENDOR_SCRIPT = "vendor/dygraph.min.js"
VENDOR_PACKAGE = "libjs-dygraphs"
STYLES = ("base.css", "vendor/dygraph.min.css", "preview.css", "kinds.css")
SCRIPTS = (
    VENDOR_SCRIPT, "units.js", "dom.js", "plane.js", "marks.js", "drag.js", "axis.js", "chart.js", "sheet.js", "heatmap.js",
    "timeline.js", "csv.js", "panels.js", "controls.js", "extras.js", "page.js",
)  # fmt: skip
TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


class Files:
    """Files by the name under which pages ask for them; `vendor` is where Dygraphs lies."""

    def __init__(self, vendor: Path = VENDOR) -> None:
        self._vendor = vendor

    def path(self, name: str) -> Path | None:
        """Where the file of that name lies; None for a name that is none or a file that is not there."""
        if name not in (*STYLES, *SCRIPTS, "icon.svg"):
            return None
        if name == "base.css":
            return look.BASE_CSS
        path = self._vendor / name.removeprefix("vendor/") if name.startswith("vendor/") else OWN / name
        return path if path.is_file() else None

    def present(self, names: tuple[str, ...]) -> list[tuple[str, Path]]:
        """Those of the names whose files are there, in order."""
        return [(name, path) for name in names if (path := self.path(name))]

    def tags(self) -> str:
        """Elements for a page's head that load everything; the mark in an address changes with the file."""
        styles = [f'<link rel="stylesheet" href="{_marked(name, path)}">' for name, path in self.present(STYLES)]
        scripts = [f'<script src="{_marked(name, path)}" defer></script>' for name, path in self.present(SCRIPTS)]
        return "\n".join(['<link rel="icon" href="/assets/icon.svg" type="image/svg+xml">', *styles, *scripts])


def _marked(name: str, path: Path) -> str:
    status = path.stat()
    mark = hashlib.blake2s(f"{status.st_mtime_ns}:{status.st_size}".encode(), digest_size=5).hexdigest()
    return f"/assets/{name}?v={mark}"
