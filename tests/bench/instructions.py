"""Instructions per delivery, counted by valgrind: unlike time they are the same from run to run, on whatever machine."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.bench.contest import SUBSCRIBE, Child, Contestant

_CLIENTS, _ROUNDS = 1_000, 20


def per_delivery(words: list[str], drain: Path) -> float:
    """Instructions in user space that a server needs for one delivery, one message in flight, 1,000 clients.

    Raises FileNotFoundError without valgrind.
    """
    if shutil.which("valgrind") is None or shutil.which("callgrind_control") is None:
        raise FileNotFoundError("valgrind is not installed")
    with tempfile.TemporaryDirectory(prefix="instructions-") as folder:
        out = Path(folder) / "out"
        # Counting begins later: starting and handshakes take their time already.
        counted = ["valgrind", "--quiet", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={out}", *words]
        side = Contestant("counted", counted, drain, _CLIENTS, SUBSCRIBE, {"PYTHONHASHSEED": "0"})
        with side:
            side.deliver(5, 1)
            _control(side.server, "--instr=on")
            side.deliver(5, 1)  # caches of the interpreter are warm before it counts
            before = _dumped(side.server, out)
            side.deliver(_ROUNDS, 1)
            after = _dumped(side.server, out)
        assert before > 0
        return after / (_ROUNDS * _CLIENTS)


def _control(server: Child, *words: str) -> None:
    subprocess.run(["callgrind_control", *words, str(server.process.pid)], check=True, capture_output=True)


def _dumped(server: Child, out: Path) -> int:
    """Instructions since the last dump."""
    known = set(out.parent.iterdir())
    _control(server, "--dump")
    (made,) = set(out.parent.iterdir()) - known
    totals = [line for line in made.read_text(encoding="utf-8").splitlines() if line.startswith(("totals:", "summary:"))]
    return int(totals[-1].split()[1])
