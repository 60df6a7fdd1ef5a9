"""A Docker engine of the test's own: its socket, its data, its mounts; the machine's are left alone, its firewall restored."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.waiting import until

# Networks that a machine hardly has, so that its routes stay what they are.
_BRIDGE, _POOL = "172.31.240.1/24", "base=172.31.248.0/21,size=26"


class Engine:
    """dockerd as a child, inside `with`; images stay in `data` for the next time."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.folder = Path(tempfile.mkdtemp(prefix="watchfloor-engine-"))
        self.socket = f"unix://{self.folder}/docker.sock"
        self._process: subprocess.Popen[bytes] | None = None
        self._firewall: dict[str, str] = {}

    def __enter__(self) -> Self:
        self.data.mkdir(parents=True, exist_ok=True)
        self._firewall = {tool: _run([f"{tool}-save"]) for tool in ("iptables", "ip6tables")}
        # In a namespace of mounts that is shared within itself: `rslave` works, and with the engine its mounts are gone.
        words = [
            "unshare", "--mount", "--propagation", "shared", "dockerd", "--data-root", str(self.data), "--host", self.socket,
            "--exec-root", f"{self.folder}/exec", "--pidfile", f"{self.folder}/pid", "--bip", _BRIDGE,
            "--default-address-pool", _POOL,
        ]  # fmt: skip
        with (self.folder / "log").open("wb") as log:
            self._process = subprocess.Popen(words, stdout=log, stderr=log, start_new_session=True)
        os.environ["DOCKER_HOST"] = self.socket
        try:
            until(
                "dockerd answers",
                lambda: subprocess.run(["docker", "info"], capture_output=True, check=False).returncode == 0,
                30,
            )
        except AssertionError:
            print((self.folder / "log").read_text(encoding="utf-8")[-3000:])
            self.__exit__(None, None, None)
            raise
        left = _run(["docker", "ps", "-aq"]).split()  # of a test that was cut off: this engine has nobody else's
        if left:
            _run(["docker", "rm", "-f", *left])
        for what in ("volume", "network"):
            _run(["docker", what, "prune", "-f"])
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._process:
            self._process.terminate()
            self._process.wait(60)
        os.environ.pop("DOCKER_HOST", None)
        subprocess.run(["ip", "link", "delete", "docker0"], capture_output=True, check=False)
        for tool, text in self._firewall.items():
            subprocess.run([f"{tool}-restore"], input=text, text=True, check=True)
        shutil.rmtree(self.folder, ignore_errors=True)


def _run(words: list[str]) -> str:
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout
