"""The journal on disk: what is written is there, in order, whatever was cut off."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from stream.store.journal import FullError, Journal

CAP = 10**9


def everything(journal: Journal, position: int = 0, most: int = 1000) -> list[bytes]:
    found: list[bytes] = []
    while True:
        payloads, after = journal.read(position, most)
        if not after:
            return found
        found += payloads
        position = after[-1]


@settings(max_examples=40, deadline=None)
@given(some.lists(some.binary(max_size=300), max_size=60), some.integers(1, 2000), some.integers(1, 400))
def test_records_come_back_in_order_over_segments_and_restarts(payloads: list[bytes], segment: int, most: int) -> None:
    import tempfile  # noqa: PLC0415  # hypothesis and tmp_path do not go together

    with tempfile.TemporaryDirectory() as name:
        half = len(payloads) // 2
        journal = Journal(Path(name), CAP, segment)
        ends = [journal.append(payload) for payload in payloads[:half]]
        journal.close()
        journal = Journal(Path(name), CAP, segment)
        ends += [journal.append(payload) for payload in payloads[half:]]
        assert everything(journal, most=most) == payloads
        if ends:
            middle = ends[len(ends) // 2]
            journal.trim(middle)
            assert everything(journal, middle) == payloads[len(ends) // 2 + 1 :]
            journal.trim(ends[-1])
            assert journal.append(b"after") > ends[-1]
            assert everything(journal, ends[-1]) == [b"after"]
        assert journal.corrupt == 0
        journal.close()


@settings(max_examples=40, deadline=None)
@given(some.integers(0, 200))
def test_a_tail_that_a_crash_cut_off_is_no_record(cut: int) -> None:
    import tempfile  # noqa: PLC0415  # the same

    with tempfile.TemporaryDirectory() as name:
        journal = Journal(Path(name), CAP)
        ends = [0, *(journal.append(bytes([65 + index]) * (index * 7)) for index in range(6))]
        journal.close()
        file = next(Path(name).glob("*.log"))
        size = max(0, ends[-1] - cut)
        os.truncate(file, size)
        journal = Journal(Path(name), CAP)
        whole = max(index for index, end in enumerate(ends) if end <= size)
        assert [len(payload) for payload in everything(journal)] == [index * 7 for index in range(whole)]
        assert journal.append(b"next") == ends[whole] + 12
        assert everything(journal)[-1] == b"next"
        journal.close()


def test_damage_costs_the_rest_of_its_segment_and_is_counted(tmp_path: Path) -> None:
    journal = Journal(tmp_path, CAP, segment=100)
    ends = [journal.append(b"x" * 40) for _ in range(9)]
    assert len(list(tmp_path.glob("*.log"))) == 3
    with (tmp_path / f"{0:020d}.log").open("r+b") as file:
        file.seek(ends[0] + 20)
        file.write(b"?")
    found, position = [], 0
    while (read := journal.read(position, 10))[1]:
        found += read[0]
        position = read[1][-1]
    assert len(found) == 7
    assert journal.corrupt == ends[2] - ends[0]
    journal.close()


def test_one_process_has_a_journal_at_a_time_and_its_identity_stays(tmp_path: Path) -> None:
    journal = Journal(tmp_path, CAP)
    known = journal.id
    with pytest.raises(BlockingIOError):
        Journal(tmp_path, CAP)
    journal.close()
    again = Journal(tmp_path, CAP)
    assert again.id == known
    again.close()


def test_above_its_cap_it_takes_nothing_until_it_was_trimmed(tmp_path: Path) -> None:
    journal = Journal(tmp_path, 200, segment=60)
    for _ in range(6):
        journal.append(b"x" * 22)
    with pytest.raises(FullError):
        journal.append(b"x" * 22)
    assert journal.size == 180
    journal.trim(60)
    journal.append(b"x" * 22)
    journal.close()


_LIMITED = """
import resource, sys
from pathlib import Path
from stream.store.journal import Journal
journal = Journal(Path(sys.argv[1]), 10**9)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
written = 0
try:
    while True:
        journal.append(b"y" * 70)
        written += 1
except OSError as error:
    print(written, journal.end, type(error).__name__)
"""


def test_a_disk_that_takes_a_part_of_a_record_keeps_none_of_it(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", _LIMITED, str(tmp_path)], capture_output=True, text=True, check=True)
    written, end = map(int, done.stdout.split()[:2])
    assert (written, end) == (12, 12 * 78)
    journal = Journal(tmp_path, CAP)
    assert everything(journal) == [b"y" * 70] * 12
    assert journal.append(b"z") == end + 9
    journal.close()


_ENDLESS = """
import sys
from pathlib import Path
from stream.store.journal import Journal
journal = Journal(Path(sys.argv[1]), 10**9, 5000)
for number in range(10**9):
    journal.append(b"%d" % number)
    print(number, flush=True)
"""


def test_what_was_appended_before_a_kill_is_there(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", _ENDLESS, str(tmp_path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        for line in process.stdout:
            if int(line) == 2000:
                process.send_signal(signal.SIGKILL)
                break
        told = [2000, *(int(line) for line in process.stdout if line.endswith("\n"))]
    journal = Journal(tmp_path, CAP)
    found = [int(payload) for payload in everything(journal)]
    assert found == list(range(len(found)))
    assert found[-1] >= told[-1]
    journal.close()
