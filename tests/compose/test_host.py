"""Where the appliance lives, and who may read what."""

import os
import tempfile
from pathlib import Path

import pytest

from compose.host import Host, readable_by_all

ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


def test_a_folder_behind_a_closed_door_is_not_readable() -> None:
    with tempfile.TemporaryDirectory() as folder:
        door = Path(folder)
        door.chmod(0o755)
        clone = door / "room" / "clone"
        clone.mkdir(parents=True)
        (clone / "pyproject.toml").write_text("", encoding="utf-8")
        assert readable_by_all(clone)
        (door / "room").chmod(0o700)
        assert not readable_by_all(clone)
        (door / "room").chmod(0o755)
        (clone / "pyproject.toml").chmod(0o600)
        assert not readable_by_all(clone)


@ROOT_ONLY
def test_a_secret_of_root_is_not_the_services_to_read(tmp_path: Path) -> None:
    secret = tmp_path / "token"
    secret.write_text("x", encoding="ascii")
    secret.chmod(0o600)
    host = Host(tmp_path, "nobody", copied=False)
    assert not host.may_read(secret)
    host.give(secret)
    assert host.may_read(secret)
