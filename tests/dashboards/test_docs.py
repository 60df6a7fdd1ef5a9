"""The page of all panels tells of each its queries and its units."""

from __future__ import annotations

from dashboards import build, docs, lint
from settings import Site
from settings.paths import CLONE

BOARDS = build.build(Site())


def test_every_query_stands_on_the_page_of_panels() -> None:
    page = docs.page(BOARDS.values())
    asked = [target["expr"] for board in BOARDS.values() for panel in lint.panels(board) for target in panel["targets"]]

    assert len(asked) > 100
    assert [expr for expr in asked if "`" + expr.replace("|", "\\|") + "`" not in page] == []


def test_the_guide_shows_every_dashboard() -> None:
    guide = CLONE / "docs" / "guides" / "dashboards.md"
    text = guide.read_text(encoding="utf-8")
    for board in BOARDS.values():
        section = text.partition(f"\n## {board['title']}\n")[2].partition("\n## ")[0]
        assert "**Open it**" in section, board["title"]
        for scheme in ("dark", "light"):
            name = f"../images/{board['uid'].removeprefix('watchfloor-')}-{scheme}.png"
            assert f'"{name}"' in section
            assert (guide.parent / name).is_file()


def test_a_table_tells_the_unit_of_each_column() -> None:
    panel = {
        "type": "table",
        "fieldConfig": {
            "defaults": {"unit": "short"},
            "overrides": [{"matcher": {"options": "Age"}, "properties": [{"id": "unit", "value": "s"}]}],
        },
    }

    assert list(lint.units(panel)) == ["Age: s"]
    assert list(lint.units(panel | {"type": "timeseries"})) == ["short", "Age: s"]
