"""Dashboards come into a Grafana, as often as one likes, and what others made stays (against a stand-in: see standin.py)."""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from dashboards import build
from dashboards.grafana import __main__ as command
from dashboards.grafana import importing
from dashboards.grafana.client import Client, DeniedError, RefusedError
from settings import Site
from tests.dashboards.grafana.boards import GOOD, board
from tests.dashboards.grafana.standin import TOKEN, VIEWER, StandIn
from tests.waiting import free_ports

SMALL = board(*GOOD)
SAVE = "/api/dashboards/db"


@pytest.fixture
def run(
    grafana: StandIn, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Callable[..., tuple[int, str, str]]:
    """The command's exit code and both outputs."""
    monkeypatch.setenv("GRAFANA_ENDPOINT", grafana.url)
    monkeypatch.setenv("GRAFANA_API_KEY", TOKEN)
    monkeypatch.setenv("WATCHFLOOR_SITE", str(tmp_path / "site.yaml"))
    (tmp_path / "site.yaml").write_text("{}")
    (tmp_path / "small.json").write_text(json.dumps(SMALL))

    def done(*arguments: str) -> tuple[int, str, str]:
        code = command.main([*arguments, "--boards", str(tmp_path)])
        said = capsys.readouterr()
        assert TOKEN not in said.out + said.err
        return code, said.out, said.err

    return done


def test_every_dashboard_of_ours_comes_once_and_then_stays_as_it_is(grafana: StandIn) -> None:
    ours = list(build.build(Site()).values())

    async def twice() -> list[set[str]]:
        async with Client(grafana.url, TOKEN) as client:
            return [{written.done for written in await importing.bring(client, ours, "prom-1")} for _ in range(2)]

    assert asyncio.run(twice()) == [{"created"}, {"unchanged"}]
    assert set(grafana.boards) == {found["uid"] for found in ours}
    assert {meta["folderUid"] for meta in grafana.metas.values()} == {"watchfloor"}
    assert grafana.posts == ["/api/folders", *[SAVE] * len(ours)]
    opens = {found["templating"]["list"][0]["current"]["value"] for found in grafana.boards.values()}
    assert opens == {"prom-1"}


def test_a_change_of_ours_is_an_update_where_people_have_put_it(
    grafana: StandIn, run: Callable[..., tuple[int, str, str]]
) -> None:
    theirs = {"their-folder": {"id": 1, "uid": "their-folder", "title": "Theirs"}}
    grafana.folders = copy.deepcopy(theirs)
    grafana.keep({**SMALL, "title": "Old"}, "their-folder", 7)

    assert run("import")[0] == 0
    assert grafana.boards[SMALL["uid"]]["title"] == "Small"
    assert grafana.boards[SMALL["uid"]]["version"] == 8
    assert grafana.metas[SMALL["uid"]]["folderUid"] == "their-folder"
    assert grafana.folders == theirs


def test_a_dashboard_that_is_not_ours_is_refused_by_name_and_nothing_is_written(
    grafana: StandIn, run: Callable[..., tuple[int, str, str]], tmp_path: Path
) -> None:
    theirs = {**SMALL, "title": "Theirs", "tags": ["shop"]}
    grafana.keep(theirs, "", 3)
    before = copy.deepcopy(grafana.boards)
    (tmp_path / "another.json").write_text(json.dumps(board(*GOOD, uid="watchfloor-another", title="Another")))

    code, _, told = run("import")

    assert code == 1
    assert "Small (uid watchfloor-small)" in told
    assert "'Theirs'" in told
    assert (grafana.boards, grafana.posts, grafana.folders) == (before, [], {})


def test_a_provisioned_one_is_refused_before_anything_is_written(
    grafana: StandIn, run: Callable[..., tuple[int, str, str]]
) -> None:
    grafana.keep({**SMALL, "title": "Old"}, "", 3, provisioned=True)
    code, _, told = run("import")
    assert (code, grafana.posts) == (1, [])
    assert "is provisioned there from a file" in told


def test_a_folder_of_that_name_is_used_and_left_as_it_is(grafana: StandIn, run: Callable[..., tuple[int, str, str]]) -> None:
    theirs = {"id": 9, "uid": "abc", "title": "Watchfloor"}
    grafana.folders["abc"] = dict(theirs)
    assert run("import")[0] == 0
    assert grafana.folders == {"abc": theirs}
    assert grafana.metas[SMALL["uid"]]["folderUid"] == "abc"


def test_what_somebody_saved_since_we_looked_is_not_buried(grafana: StandIn) -> None:
    grafana.keep({**SMALL, "title": "Old"}, "", 3)

    async def race() -> None:
        async with Client(grafana.url, TOKEN) as client:
            asked = client.find

            async def then_saved(path: str) -> object:
                found = json.loads(json.dumps(await asked(path)))
                grafana.keep({**SMALL, "title": "Newer"}, "", 4)
                return found

            client.find = then_saved  # type: ignore[method-assign]  # another person's save, between look and write
            await importing.bring(client, [SMALL])

    with pytest.raises(RefusedError, match="saved by somebody else meanwhile"):
        asyncio.run(race())
    assert grafana.boards[SMALL["uid"]]["title"] == "Newer"


def test_who_may_not_is_told_which_role_it_takes(
    run: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRAFANA_API_KEY", VIEWER)
    code, _, told = run("import")
    assert code == 1
    assert "the token may not do this" in told
    assert "Editor or Admin" in told
    monkeypatch.setenv("GRAFANA_API_KEY", "wrong")
    code, _, told = run("import")
    assert code == 1
    assert "the token is not known" in told


def test_what_cannot_be_asked_is_told_with_its_address(
    grafana: StandIn, prometheus: str, run: Callable[..., tuple[int, str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    grafana.version = "9.5.2"
    assert "Grafana 9.5.2 is too old" in run("import")[2]
    nobody = f"http://127.0.0.1:{free_ports(1)[0]}"
    for address, words in ((nobody, "connection refused"), (prometheus, "no Grafana"), ("ftp://grafana", "GRAFANA_ENDPOINT")):
        monkeypatch.setenv("GRAFANA_ENDPOINT", address)
        code, _, told = run("import")
        assert code in (1, 2)
        assert words in told
        assert address in told
    monkeypatch.delenv("GRAFANA_ENDPOINT")
    assert run("import")[0] == 2


def test_several_data_sources_want_a_choice(grafana: StandIn, run: Callable[..., tuple[int, str, str]]) -> None:
    grafana.sources = [{"uid": uid, "type": "prometheus", "isDefault": False} for uid in ("a", "b")]
    code, _, told = run("verify")
    assert code == 1
    assert "say ds= one of a, b" in told
    assert run("import")[0] == 0  # without one named, theirs decides
    assert grafana.boards[SMALL["uid"]]["templating"]["list"][0]["current"] == {}
    assert run("import", "--datasource", "b")[0] == 0
    assert grafana.boards[SMALL["uid"]]["templating"]["list"][0]["current"]["value"] == "b"
    code, _, told = run("import", "--datasource", "c")
    assert code == 1
    assert "'c'" in told


def test_a_token_that_is_denied_is_no_secret_in_the_error() -> None:
    async def ask() -> None:
        async with Client("http://127.0.0.1:1", "glsa_private") as client:
            await client.get("/api/folders")

    with pytest.raises(Exception, match="nobody answers") as raised:
        asyncio.run(ask())
    assert "glsa_private" not in str(raised.value)
    assert not isinstance(raised.value, DeniedError)
