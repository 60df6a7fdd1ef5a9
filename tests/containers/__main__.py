"""`make compose-test`: the rendered file on a real engine, as it is, over stand-ins for the images that cannot be pulled here.

As root; it installs Debian's docker.io, docker-compose and debootstrap, which `make uninstall` takes back. Exit code 0 when every
step held. The engine is its own and ends with it; images stay in `var/compose-test`, so that the next time is quick.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import yaml

from compose import packages
from compose.bootstrap import install_lacking
from compose.docker import Containers
from compose.host import Host, is_root
from settings.paths import CLONE
from tests.containers import steps
from tests.containers.engine import Engine
from tests.containers.images import BASE, make_base, make_ours, make_standins, packed, size

NEEDED = (
    packages.Package("docker.io", ("dockerd",), units=("docker.service", "docker.socket", "containerd.service")),
    packages.Package("docker-compose", ("docker-compose",)),
    packages.Package("iptables", ("iptables",)),
    packages.Package("debootstrap", ("debootstrap",)),
)
T = TypeVar("T")
KEPT = CLONE / "var" / "compose-test"


def main() -> int:
    """Runs every step; the exit code comes back."""
    if not is_root():
        print("compose-test: needs root, for an engine of its own: run it by sudo", file=sys.stderr)
        return 1
    install_lacking(Host.detect(), NEEDED)
    home = Path(tempfile.mkdtemp(prefix="watchfloor-containers-"))
    site_file = home / "site.yaml"
    wanted = {"runtime": "docker", "profile": {"factor": 0.2}, "entrance": {"enabled": True}, "backup": {"every": "24h"}}
    site_file.write_text(yaml.safe_dump(wanted), encoding="utf-8")
    with Engine(KEPT / "docker"):
        _timed("base image", lambda: make_base(platform.freedesktop_os_release()["VERSION_CODENAME"]))
        ours = _timed("our image", lambda: make_ours(KEPT / "dist" / "wheels"))
        _timed("stand-ins", make_standins)
        sizes = [of / 1e6 for of in (packed(ours), size(ours), size(BASE))]
        print("our image: {:.0f} MB packed, {:.0f} MB unpacked, of that {:.0f} its base".format(*sizes))
        stack = Containers(Host.detect(home / "var"), site_file)
        try:
            return _steps(stack)
        finally:
            if "--keep" not in sys.argv:
                stack.down()
                stack.wipe()
                shutil.rmtree(home)


def _steps(stack: Containers) -> int:
    failed = []
    for name, step in steps.STEPS:
        try:
            _timed(name, lambda step=step: step(stack))  # type: ignore[misc]  # bound now
        except Exception as error:  # noqa: BLE001  # the other steps are tried all the same
            failed.append(name)
            print(f"    FAILED: {error}")
            if name == steps.STEPS[0][0]:
                break
    print("compose-test: every step held" if not failed else f"compose-test: failed: {', '.join(failed)}")
    return 1 if failed else 0


def _timed(what: str, do: Callable[[], T]) -> T:
    began = time.monotonic()
    found = do()
    print(f"{what:<52} {time.monotonic() - began:6.1f} s", flush=True)
    return found


if __name__ == "__main__":
    os.environ.pop("WATCHFLOOR_RUNTIME", None)
    sys.exit(main())
