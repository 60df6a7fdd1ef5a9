"""A running supervisord, by its XML-RPC interface on a socket."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
import xmlrpc.client  # nosec B411  # by a socket of ours, which root alone and the services open
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from supervisor.xmlrpc import SupervisorTransport

from compose.errors import ComposeError
from compose.topology import SERVICES

# The kernel takes 107 bytes for a socket's path; supervisord binds a temporary name that is longer by its pid.
_LONGEST_SOCKET = 95
# Programs that run when they are asked to, and end: no services. By name.
BACKUP, BACKUP_POSTGRES = "backup", "backup-postgres"
ERRANDS = (BACKUP, BACKUP_POSTGRES)
RUNNING, STARTING, BACKOFF, EXITED, FATAL, STOPPED = "RUNNING", "STARTING", "BACKOFF", "EXITED", "FATAL", "STOPPED"


@dataclass(frozen=True)
class Process:
    """One process as supervisord sees it: its state in supervisord's word, process id (0: none), unix time of its start."""

    name: str
    state: str
    pid: int
    start: float
    words: str


def socket(run: Path) -> Path:
    """The socket on which supervisord listens."""
    return run / "supervisor.sock"


class Supervisor:
    """A running supervisord, or the absence of one. Errors of its interface are told as ComposeError."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.socket = socket(home / "run")

    @property
    def config_path(self) -> Path:
        """Where its configuration stands; root's alone to change, because it tells root's process what to run."""
        return self.home / "run" / "supervisord.conf"

    def _proxy(self) -> Any:
        return xmlrpc.client.ServerProxy("http://127.0.0.1", SupervisorTransport(serverurl=f"unix://{self.socket}"))

    def call(self, method: str, *arguments: Any) -> Any:
        """One call of its interface, for example `call("supervisor.getAllProcessInfo")`."""
        call = self._proxy()
        for part in method.split("."):
            call = getattr(call, part)
        try:
            return call(*arguments)
        except (OSError, xmlrpc.client.Error) as error:
            raise ComposeError(f"supervisord does not answer: {method}: {error}") from error

    def running(self) -> bool:
        """Whether a supervisord of this home answers. Raises ComposeError where it is another user's."""
        try:
            if not self.socket.exists():
                return False
            self._proxy().supervisor.getPID()
        except PermissionError as error:
            raise ComposeError(f"this appliance is another user's: {self.home}: run it as that user, or by sudo") from error
        except (OSError, xmlrpc.client.Error):
            return False
        return True

    def start(self, python: Path) -> None:
        """Starts supervisord, which starts every service."""
        if len(str(self.socket)) > _LONGEST_SOCKET:
            raise ComposeError(f"the path is too long for a socket: {self.socket}: move the clone, or set WATCHFLOOR_HOME")
        self.socket.unlink(missing_ok=True)
        command = [str(python), "-m", "supervisor.supervisord", "-c", str(self.config_path)]
        done = subprocess.run(command, capture_output=True, text=True, cwd=self.home, env=_environment(), check=False)
        if done.returncode != 0:
            raise ComposeError(f"supervisord did not start: {self.config_path}: its words:\n{done.stderr or done.stdout}")
        _until(self.running, 10, "supervisord does not answer after its start")

    def update(self) -> list[str]:
        """Takes the new configuration: changed services are restarted; returns their names.

        Ctrl-C is obeyed afterwards: between its steps a service would be neither the old one nor the new one.
        """
        with uninterrupted():
            added, changed, removed = self.call("supervisor.reloadConfig")[0]
            for name in (*changed, *removed):
                self.call("supervisor.stopProcessGroup", name)
                self.call("supervisor.removeProcessGroup", name)
            for name in (*changed, *added):
                self.call("supervisor.addProcessGroup", name)
        return [name for name in (*changed, *removed, *added) if name not in ERRANDS]

    def start_stopped(self) -> list[str]:
        """Starts what somebody stopped; returns the names."""
        stopped = [process.name for process in self.processes().values() if process.state in (STOPPED, EXITED, FATAL)]
        for name in stopped:
            self.call("supervisor.startProcess", name, False)  # wait_ready waits
        return stopped

    def restart(self, names: list[str]) -> None:
        """Stops these services in reverse and starts them in order; does not wait until they are ready."""
        with uninterrupted():
            for name in reversed(names):
                self.call("supervisor.stopProcess", name)
            for name in names:
                self.call("supervisor.startProcess", name, False)

    def processes(self) -> dict[str, Process]:
        """Every service's process by name."""
        return {
            info["name"]: Process(
                info["name"], info["statename"], info["pid"], info["start"], info["spawnerr"] or info["description"]
            )
            for info in self.call("supervisor.getAllProcessInfo")
            if info["name"] not in ERRANDS
        }

    def busy(self, errand: str) -> bool:
        """Whether that errand is under way."""
        return self.call("supervisor.getProcessInfo", errand)["statename"] in (RUNNING, STARTING)

    def finish(self, errand: str, within: float) -> int:
        """Runs an errand to its end; returns its exit code. Raises ComposeError where it is under way, or takes longer."""
        self.call("supervisor.startProcess", errand, False)
        _until(lambda: not self.busy(errand), within, f"{errand} does not end", every=0.2)
        return int(self.call("supervisor.getProcessInfo", errand)["exitstatus"])

    def signal(self, name: str, signal: str) -> None:
        """Sends a signal by name, for example `HUP`."""
        self.call("supervisor.signalProcess", name, signal)

    def stop(self) -> None:
        """Stops every service in order, then supervisord, and waits until all are gone."""
        pid = self.call("supervisor.getPID")
        longest = sum(service.stop_seconds for service in SERVICES) + 10 * len(self.processes())  # workers beyond the first too
        self.call("supervisor.shutdown")
        _until(lambda: not Path(f"/proc/{pid}").exists() or _zombie(pid), longest, "supervisord does not end")
        self.socket.unlink(missing_ok=True)


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """Puts Ctrl-C off until the block is done."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if came:
            raise KeyboardInterrupt


def _environment() -> dict[str, str]:
    """What services inherit: no more of the caller's environment than they need."""
    wanted = ("PATH", "TZ")
    return {name: os.environ[name] for name in wanted if name in os.environ} | {"LANG": "C.UTF-8"}


def _zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def _until(condition: Any, seconds: float, otherwise: str, every: float = 0.05) -> None:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise ComposeError(f"{otherwise}: waited {seconds:.0f} s: look at `make logs s=supervisord`")
        time.sleep(every)
