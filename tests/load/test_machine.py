"""Where a run's processor time went."""

from __future__ import annotations

import subprocess
import sys

from tests.load.machine import spent_by
from tests.waiting import until

_CHILD = "import time\nend = time.process_time() + 0.3\nwhile time.process_time() < end: pass"
_PARENT = (
    f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {_CHILD!r}])\nprint('over', flush=True)\nsys.stdin.read()"
)


def test_what_a_child_has_used_counts_when_it_is_gone() -> None:
    with subprocess.Popen([sys.executable, "-c", _PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        assert parent.stdout.readline() == "over\n"
        assert 0.3 <= spent_by(parent.pid) < 3
        parent.communicate("")
    until("it is gone", lambda: spent_by(parent.pid) == 0.0, 5)
