"""A home of a newer version is refused before anything in it is touched; an older one and a cut-off start are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from compose import images, state
from compose.errors import ComposeError
from compose.host import Host
from compose.native import Stack
from compose.secrets import make_secrets
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


def test_what_a_start_left_that_was_killed_is_made_anew(tmp_path: Path) -> None:
    """An empty secret, half a secret, half a folder: as `kill -9` leaves them."""
    paths, host = Paths(tmp_path), Host(tmp_path, None, copied=False)
    make_secrets(paths, host)
    kept = paths.database_password.read_text()
    paths.inbox_token.write_text("")
    (paths.secrets / "inbox_token.new").write_text("hal")
    make_secrets(paths, host)
    assert len(paths.inbox_token.read_text()) > 30
    assert paths.inbox_token.stat().st_mode & 0o777 == 0o600
    assert paths.database_password.read_text() == kept
    assert not list(paths.secrets.glob("*.new"))
    (tmp_path / "inbox.new").mkdir(mode=0o700)
    host.make(tmp_path / "inbox", 0o750)
    assert (tmp_path / "inbox").stat().st_mode & 0o777 == 0o750
    assert not (tmp_path / "inbox.new").exists()


def test_a_volume_of_another_postgresql_is_refused_and_left(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    (tmp_path / "containers").mkdir()
    state.refuse_other_cluster(paths, "18")
    state.remember_cluster(paths, "18")
    state.refuse_other_cluster(paths, "18")
    with pytest.raises(ComposeError, match="the cluster of PostgreSQL 18, the image is 19's"):
        state.refuse_other_cluster(paths, "19")
    assert state.cluster(paths).read_text() == "18\n"
    assert [file.name for file in (tmp_path / "containers").iterdir()] == ["postgres"]


def test_the_pinned_major_is_that_of_its_tag() -> None:
    assert images.image(images.CONTAINERS["postgres"]).startswith(f"postgres:{images.major('postgres')}.")
