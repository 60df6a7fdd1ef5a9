"""The groups of `make test` name files that exist, each once."""

from settings.paths import CLONE
from tests.groups import TOGETHER, group, rank


def test_every_file_that_is_named_exists_and_is_named_once() -> None:
    named = [file for files in TOGETHER for file in files]
    assert len(set(named)) == len(named)
    assert [file for file in named if not (CLONE / file).is_file()] == []


def test_files_that_share_servers_keep_together_and_others_apart() -> None:
    first, second, *_ = TOGETHER[0]
    assert group(f"{first}::test_a[x::y]") == group(f"{second}::test_b") == first
    assert group("tests/x.py::test_a") == group("tests/x.py::test_b") == "tests/x.py"


def test_files_of_a_group_run_in_its_order() -> None:
    named = [file for files in TOGETHER for file in files]
    assert sorted(["tests/x.py", *reversed(named)], key=lambda file: rank(f"{file}::test_a")) == [*named, "tests/x.py"]
