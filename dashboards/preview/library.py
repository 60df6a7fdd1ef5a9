"""The dashboard files of a folder, read again when they change."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from dashboards.preview.model import Dashboard, parse
from metrics.stack import DASHBOARD_OVERVIEW

DEFAULTS = Path(__file__).parent.parent / "rendered"


@dataclass(frozen=True)
class Broken:
    """A file that is no dashboard, and why."""

    file: str
    why: str


@dataclass(frozen=True)
class _Read:
    stamp: tuple[int, int]
    content: Dashboard | Broken


class Library:
    """What Grafana would be given: `folder`, else `fallback` while `folder` holds no dashboard file."""

    def __init__(self, folder: Path, fallback: Path = DEFAULTS) -> None:
        self._folders = (folder, fallback)
        self._files: dict[Path, _Read] = {}
        self.dashboards: dict[str, Dashboard] = {}
        self.broken: list[Broken] = []
        self.folder = folder
        self.refresh()

    def refresh(self) -> None:
        """Reads what is new or changed, by size and time of change; forgets what is gone."""
        self.folder = next((folder for folder in self._folders if _files(folder)), self._folders[0])
        found = _files(self.folder)
        before = self._files
        self._files = {path: self._read(path, before.get(path)) for path in found}
        if self._files == before and before:
            return
        self.dashboards, self.broken = {}, []
        for path, read in self._files.items():
            self._take(path, read.content)

    def _read(self, path: Path, known: _Read | None) -> _Read:
        try:
            status = path.stat()
            stamp = (status.st_mtime_ns, status.st_size)
            if known and known.stamp == stamp:
                return known
            return _Read(stamp, parse(path.read_bytes()))
        except OSError as error:
            return _Read((0, 0), Broken(path.name, f"cannot be read: {error.strerror}"))
        except ValueError as error:
            return _Read(stamp, Broken(path.name, str(error)))

    def _take(self, path: Path, content: Dashboard | Broken) -> None:
        if isinstance(content, Broken):
            self.broken.append(content)
        elif content.uid in self.dashboards:
            self.broken.append(Broken(path.name, f"its uid {content.uid!r} stands in another file already"))
        else:
            self.dashboards[content.uid] = content

    @property
    def ordered(self) -> list[Dashboard]:
        """The dashboards as the home dashboard links them, then the others by title."""
        links = self.home.links if self.home else []
        places = {re.split("[/?#]", link.url.removeprefix("/d/"))[0]: place for place, link in enumerate(links)}
        return sorted(self.dashboards.values(), key=lambda one: (places.get(one.uid, len(places)), one.title))

    @property
    def home(self) -> Dashboard | None:
        """The overview if it is here, else the first by title."""
        by_title = sorted(self.dashboards.values(), key=lambda dashboard: dashboard.title)
        return self.dashboards.get(DASHBOARD_OVERVIEW) or next(iter(by_title), None)


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.json")) if folder.is_dir() else []
