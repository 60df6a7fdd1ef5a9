"""Fan-out servers as processes on one core, and the clients that drain them on the other."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.waiting import free_ports

PEERS = Path(__file__).parent / "peers"
ROOT = PEERS.parent.parent.parent
SUBSCRIBE = '{"type":"subscribe","room":"market-data"}'


def build(name: str, folder: Path, *, tls: bool = False) -> Path:
    """One of the C programs. Raises SystemExit without a compiler, or with `tls` without OpenSSL's headers."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        raise SystemExit("fanout: there is no C compiler: apt-get install gcc")
    made = folder / (f"{name}-tls" if tls else name)
    words = [
        compiler,
        "-O2",
        "-Wall",
        "-o",
        str(made),
        str(PEERS / f"{name}.c"),
        *(["-DTLS", "-lssl", "-lcrypto"] if tls else []),
    ]
    if subprocess.run(words, check=False).returncode:
        raise SystemExit(f"fanout: {name}.c cannot be compiled: apt-get install gcc libc6-dev{' libssl-dev' if tls else ''}")
    return made


def _pinned(core: int) -> None:
    os.sched_setaffinity(0, {core % (os.cpu_count() or 1)})


class Child:
    """A process that answers lines by lines, pinned to a core."""

    def __init__(self, words: Sequence[str], core: int, variables: dict[str, str] | None = None) -> None:
        self.process = subprocess.Popen(
            words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, bufsize=1, cwd=ROOT,
            env=os.environ | (variables or {}), preexec_fn=lambda: _pinned(core),  # noqa: PLW1509  # no threads here
        )  # fmt: skip

    def tell(self, line: str) -> None:
        """One line to it."""
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def answer(self) -> str:
        """Its next line. Raises RuntimeError when it has ended."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.process.args!r} ended: {self.process.wait()}")
        return line.strip()

    def cpu(self) -> int:
        """CPU time of all its threads so far, ns."""
        tasks = Path(f"/proc/{self.process.pid}/task")
        return sum(int((task / "schedstat").read_text(encoding="ascii").split()[0]) for task in tasks.iterdir())

    def user(self) -> float:
        """User CPU time so far, s."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return int(fields[11]) / os.sysconf("SC_CLK_TCK")

    def resident(self) -> int:
        """Resident memory, bytes."""
        return int(Path(f"/proc/{self.process.pid}/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def end(self) -> None:
        """Ends it."""
        self.process.kill()
        self.process.communicate()


@dataclass
class Contestant:
    """A server with clients. `words`: its command, with {port}. `subscribe`: what each client sends first."""

    name: str
    words: Sequence[str]
    drain: Path
    clients: int
    subscribe: str = ""
    variables: dict[str, str] = field(default_factory=dict)
    earlier: int = 0  # messages that are published before the clients come

    def __enter__(self) -> Self:
        port = free_ports(1)[0]
        self.server = Child([word.format(port=port) for word in self.words], 0, self.variables)
        try:
            self.server.answer()
            self.before = self.server.resident()
            if self.earlier:
                self.server.tell(str(self.earlier))
            self.client = Child([str(self.drain), str(port), str(self.clients), *([self.subscribe] if self.subscribe else [])], 1)
            self.client.answer()
        except BaseException:
            self.server.end()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.client.end()
        self.server.end()

    def deliver(self, rounds: int, in_flight: int) -> float:
        """CPU ns per delivery: `in_flight` messages at once, the next ones when every client has them, so many rounds."""
        before = self.server.cpu()
        for _ in range(rounds):
            self.server.tell(str(in_flight))
            self.client.tell(f"expect {in_flight}")
            self.client.answer()
        return (self.server.cpu() - before) / (rounds * in_flight * self.clients)

    def pace(self, rate: int, seconds: float) -> tuple[list[float], float, int]:
        """[deliveries, p50, p90, p99, max (ms)], share of a core used, messages sent."""
        before, began = self.server.cpu(), time.monotonic_ns()
        self.client.tell(f"listen {int(seconds * 1000) + 1000}")
        self.server.tell(f"pace {rate} {int(seconds * 1000)}")
        sent = int(self.server.answer().split()[1])
        used = (self.server.cpu() - before) / (time.monotonic_ns() - began)
        return [float(word) for word in self.client.answer().split()], used, sent


def python(kind: str, *, uvloop: bool, tls: Path | None = None) -> list[str]:
    """The command of one of the servers in `peers/python.py`; `tls`: a folder with cert.pem and key.pem."""
    more = [*(["--uvloop"] if uvloop else []), *(["--tls", str(tls)] if tls else [])]
    return [sys.executable, "-m", "tests.bench.peers.python", kind, "{port}", *more]


def certificate(folder: Path) -> None:
    """Makes cert.pem and key.pem in a folder, for localhost."""
    words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem"), "-subj", "/CN=localhost"]
    subprocess.run([*words, *files], check=True, capture_output=True)
    (folder / "key.pem").chmod(0o600)
