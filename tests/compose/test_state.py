"""A home of a newer version is refused before anything in it is touched; an older one and a cut-off start are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from compose import state
from compose.errors import ComposeError
from compose.host import Host
from compose.native import Stack
from settings import Paths


def test_a_home_from_before_versions_is_taken_and_marked(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    state.refuse_newer(paths)
    (tmp_path / "VERSION.new").write_text("")  # what a start left that was cut off
    state.remember(paths)
    assert [path.name for path in tmp_path.iterdir()] == ["VERSION"]
    state.refuse_newer(paths)


@pytest.mark.parametrize(("text", "words"), [("2\n", "newer version"), ("", "no version"), ("1.5", "no version")])
def test_up_refuses_it_and_changes_nothing(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "VERSION").write_text(text)
    (tmp_path / "site.yaml").write_text("workload: false\n")
    with pytest.raises(ComposeError, match=words):
        Stack(Host(tmp_path, None, copied=False), tmp_path / "site.yaml").up(lambda _: None)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["VERSION", "site.yaml"]
    assert (tmp_path / "VERSION").read_text() == text
