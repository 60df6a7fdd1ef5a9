"""Dashboard files: read, told when broken, read again when they change."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from dashboards.preview.library import DEFAULTS, Library
from dashboards.preview.model import parse
from metrics.stack import DASHBOARD_OVERVIEW

KITCHEN = Path(__file__).parent / "fixtures" / "kitchen.json"


def put(path: Path, text: str, stamp: int) -> None:
    path.write_text(text, encoding="utf-8")
    os.utime(path, ns=(stamp, stamp))


def board(uid: str, title: str) -> str:
    return json.dumps({"uid": uid, "title": title, "panels": []})


def test_reads_a_dashboard() -> None:
    made = parse(KITCHEN.read_bytes())
    assert [panel.id for panel in made.all_panels()] == [1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 14, 15, 16, 17, 18, 19, 13]
    stacked = made.panel(13)
    assert stacked is not None
    assert stacked.field_config.defaults.unit == "bytes"


@pytest.mark.parametrize(
    ("raw", "words"),
    [(b"{", "no JSON"), (b'{"uid": "x"}', "title"), (b'{"uid": "x", "title": "t", "panels": [{"id": "a"}]}', "panels")],
)
def test_says_what_is_wrong_with_a_file(raw: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse(raw)


def test_a_broken_file_harms_no_other(tmp_path: Path) -> None:
    put(tmp_path / "a.json", board("a", "A"), 1)
    put(tmp_path / "b.json", "{", 1)
    put(tmp_path / "c.json", board("a", "again"), 1)
    library = Library(tmp_path)
    assert list(library.dashboards) == ["a"]
    assert [one.file for one in library.broken] == ["b.json", "c.json"]


def test_changes_are_seen(tmp_path: Path) -> None:
    put(tmp_path / "a.json", board("a", "A"), 1)
    library = Library(tmp_path)
    put(tmp_path / "a.json", board("a", "B"), 2)
    put(tmp_path / "b.json", board("b", "C"), 2)
    library.refresh()
    assert {one.title for one in library.dashboards.values()} == {"B", "C"}
    (tmp_path / "a.json").unlink()
    library.refresh()
    assert list(library.dashboards) == ["b"]


def test_the_overview_is_home(tmp_path: Path) -> None:
    put(tmp_path / "a.json", board("a", "A"), 1)
    put(tmp_path / "w.json", board("watchfloor-overview", "Z"), 1)
    home = Library(tmp_path).home
    assert home is not None
    assert home.uid == "watchfloor-overview"


def test_an_empty_folder_falls_back_to_the_committed_files(tmp_path: Path) -> None:
    library = Library(tmp_path / "none")
    assert library.folder == DEFAULTS
    assert "watchfloor-overview" in library.dashboards
    assert library.broken == []


def test_the_dashboards_stand_as_the_home_dashboard_links_them() -> None:
    ordered = [one.title for one in Library(DEFAULTS).ordered]
    assert ordered[:3] == ["Overview", "SLO and Error Budget", "System Overview"]
    assert ordered[-1] == "The Appliance Itself"


def test_a_dashboard_that_nobody_links_stands_last(tmp_path: Path) -> None:
    put(tmp_path / "a.json", board("a", "Alone"), 1)
    put(tmp_path / "b.json", board("b", "Before"), 1)
    links = [{"url": "/d/b?x=1"}, {"url": f"/d/{DASHBOARD_OVERVIEW}"}]
    home = {"uid": DASHBOARD_OVERVIEW, "title": "Overview", "panels": [], "links": links}
    put(tmp_path / "c.json", json.dumps(home), 1)
    assert [one.title for one in Library(tmp_path).ordered] == ["Before", "Overview", "Alone"]
