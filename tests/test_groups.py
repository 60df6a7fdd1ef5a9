"""The groups of `make test` name files that exist, each once, and not too many appliances run at a time."""

import re

from settings.paths import CLONE
from tests.groups import TOGETHER, choice, group, heavy, rank


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


def test_no_more_appliances_than_two_run_at_a_time_while_there_is_anything_else() -> None:
    waiting = ["tests/live/test_a.py", "tests/security/test_b.py", "tests/x.py"]
    one, two = ["tests/live/test_c.py", "tests/y.py"], ["tests/live/test_c.py", "tests/live/test_d.py"]
    assert choice(waiting, one) == "tests/live/test_a.py"
    assert choice(waiting, two) == "tests/x.py"
    assert choice(waiting[:2], two) == "tests/live/test_a.py"


def test_files_that_start_an_appliance_are_known_as_such() -> None:
    """By their folder; the other programs that start one are no tests."""
    starts = re.compile(r"\b(Appliance|conducted)\(|\b(appliance|under_load|besieged): ")
    tests = (file.relative_to(CLONE) for file in (CLONE / "tests").rglob("test_*.py") if starts.search(file.read_text()))
    assert [str(file) for file in tests if not heavy(str(file)) and file.name != "test_groups.py"] == []
