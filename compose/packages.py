"""Debian's packages that the appliance needs: which are missing, how they come and go. Standard library only.

A package that brings a server would start it, now and at every boot, on its default port. Both are prevented: a
policy-rc.d refuses starts while packages are unpacked, and units that were not there before are disabled afterwards.
"""

from __future__ import annotations

import contextlib
import ctypes
import glob
import importlib.util
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from compose.errors import ComposeError
from compose.host import is_root

POLICY = Path("/usr/sbin/policy-rc.d")
_CLUSTERS = Path("/etc/postgresql-common/createcluster.d/watchfloor.conf")
_REFUSE_STARTS = "#!/bin/sh\n# Put here by Watchfloor while it installs packages.\nexit 101\n"


@dataclass(frozen=True)
class Package:
    """A package, and how to see that what it brings is there; `files` may be patterns."""

    name: str
    commands: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()

    def present(self) -> bool:
        """Whether one of the commands, and every file, module and library, is there (installed by whatever means)."""
        has_command = not self.commands or any(shutil.which(command) for command in self.commands)
        has_files = all(glob.glob(file) for file in self.files)  # noqa: PTH207  # absolute patterns
        has_modules = all(importlib.util.find_spec(module) for module in self.modules)
        return has_command and has_files and has_modules and all(map(_loads, self.libraries))


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


RUNTIME = (
    Package("python3-venv", modules=("ensurepip",)),
    Package("prometheus", commands=("prometheus",), units=("prometheus.service",)),
    Package("prometheus-alertmanager", ("prometheus-alertmanager", "alertmanager"), units=("prometheus-alertmanager.service",)),
    Package("postgresql", files=("/usr/lib/postgresql/*/bin/postgres",), units=("postgresql.service",)),
    Package("redis-server", commands=("redis-server",), units=("redis-server.service",)),
    Package("varnish", commands=("varnishd", "/usr/sbin/varnishd"), units=("varnish.service", "varnishncsa.service")),
    Package("varnish-modules", files=("/usr/lib/*/varnish/vmods/libvmod_xkey.so",)),
    Package("libjs-dygraphs", files=("/usr/share/javascript/dygraphs/dygraph.min.js",)),
)
ENTRANCE = Package("nginx-light", commands=("nginx", "/usr/sbin/nginx"), units=("nginx.service",))  # where the site has it
# The server of each Debian and Ubuntu release; of a newer one its number is tried as it is known here.
_SERVERS = {"12": 15, "13": 17, "22.04": 14, "24.04": 16}
_SERVER = _SERVERS.get(platform.freedesktop_os_release().get("VERSION_ID", ""), 17) if Path("/etc/os-release").exists() else 17
TESTS = (
    Package(f"postgresql-{_SERVER}-hypopg", files=("/usr/share/postgresql/*/extension/hypopg.control",)),
    Package("chromium-headless-shell", commands=("chromium-headless-shell",)),
    Package("libatomic1", libraries=("libatomic.so.1",)),  # the browser's driver is linked against it
    Package("wrk", commands=("wrk",)),  # the closed loop of load tests
    Package("pgbackrest", commands=("pgbackrest",)),
    Package("curl", commands=("curl",)),  # the guides' examples
    Package("fonts-dejavu-core", files=("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",)),
    Package("prometheus-node-exporter", ("prometheus-node-exporter",), units=("prometheus-node-exporter.service",)),
    Package("prometheus-redis-exporter", ("prometheus-redis-exporter",), units=("prometheus-redis-exporter.service",)),
    Package("prometheus-postgres-exporter", ("prometheus-postgres-exporter",), units=("prometheus-postgres-exporter.service",)),
    Package("iproute2", commands=("ip", "/usr/sbin/ip")),  # namespaces of their own for machines that lack an address
    ENTRANCE,
)


def missing(packages: tuple[Package, ...]) -> list[Package]:
    """Those of `packages` whose content is not on this machine."""
    return [package for package in packages if not package.present()]


def installed_names() -> set[str]:
    """Every package that dpkg calls installed."""
    listed = subprocess.run(
        ["dpkg-query", "-W", "-f", "${db:Status-Abbrev} ${Package}\n"], capture_output=True, text=True, check=True
    )
    return {line.split()[1] for line in listed.stdout.splitlines() if line.startswith("ii")}


def install(packages: list[Package]) -> list[str]:
    """Installs them and returns the names of all packages that came with it.

    Raises ComposeError where there is no apt-get, no right to use it, or where it fails (with its last words).
    """
    names = [package.name for package in packages]
    command = f"apt-get install --no-install-recommends {' '.join(names)}"
    if not shutil.which("apt-get"):
        raise ComposeError(f"packages are missing: {', '.join(names)}: this is no Debian or Ubuntu, install their counterparts")
    sudo = rights(f"packages are missing: {', '.join(names)}", command)
    before = installed_names()
    with _no_service_starts(sudo), _no_cluster(sudo):
        _apt(sudo, ["update", "-qq"], names)
        _apt(sudo, ["install", "-y", "-qq", "--no-install-recommends", *names], names)
        _disable([unit for package in packages for unit in package.units], sudo)
    return sorted(installed_names() - before)


def rights(problem: str, command: str) -> list[str]:
    """What to put before a command that root must run: nothing, or sudo, which may ask for a password in a terminal.

    Raises ComposeError, with `problem` and the command that root would type, where there is neither.
    """
    if is_root():
        return []
    if shutil.which("sudo"):
        quiet = subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0
        if quiet or (sys.stdin.isatty() and subprocess.run(["sudo", "-v"], check=False).returncode == 0):
            return ["sudo"]
    raise ComposeError(f"{problem}: you are neither root nor may you use sudo here: ask root for `{command}`")


def remove(names: list[str]) -> list[str]:
    """Purges those of `names` (what `install` brought) that nothing else on this machine needs; returns what stays.

    First the packages that were asked for, then what apt itself calls no longer needed: nothing else goes with them.
    """
    asked = [package.name for package in RUNTIME + TESTS if package.name in names]
    sudo = rights("packages stay", f"apt-get purge {' '.join(asked)}")
    _purge(sudo, [name for name in asked if name in installed_names()], names)
    _purge(sudo, sorted(_planned(["autoremove"]) & set(names)), names)
    return sorted(set(names) & installed_names())


def _planned(arguments: list[str]) -> set[str]:
    """The packages that apt-get would remove."""
    words = subprocess.run(["apt-get", "-s", *arguments], capture_output=True, text=True, check=False).stdout.splitlines()
    return {line.split()[1] for line in words if line.startswith(("Purg ", "Remv "))}


def _purge(sudo: list[str], present: list[str], ours: list[str]) -> None:
    if foreign := _planned(["purge", *present]) - set(ours) if present else set():
        raise ComposeError(f"packages stay: {', '.join(sorted(foreign))} would go with them: remove by hand what you do not need")
    if present:
        _apt(sudo, ["purge", "-y", "-qq", *present], present)


def _apt(sudo: list[str], arguments: list[str], names: list[str]) -> None:
    # As root in a session of its own: Ctrl-C must not leave dpkg half done; it is obeyed when apt-get has ended. sudo knows a
    # person by the terminal's session, so that there Ctrl-C reaches apt-get, which ends its step first.
    command = [*sudo, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", *arguments]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True, start_new_session=not sudo
    ) as process:
        try:
            output = process.communicate()[0]
        except KeyboardInterrupt:
            print("finishing the packages first, so that dpkg is left whole", flush=True)
            process.communicate()
            raise
    if process.returncode != 0:
        last = "\n".join(output.splitlines()[-8:])
        raise ComposeError(
            f"apt-get {arguments[0]} failed for {', '.join(names)}: look at its words, mend the cause, repeat:\n{last}"
        )


@contextlib.contextmanager
def _no_service_starts(sudo: list[str]) -> Iterator[None]:
    if POLICY.exists() and POLICY.read_text(encoding="utf-8", errors="replace") != _REFUSE_STARTS:
        yield  # somebody decided already (containers do): theirs stays. Ours, left by a crash, is taken over
        return
    try:
        subprocess.run([*sudo, "tee", str(POLICY)], input=_REFUSE_STARTS, text=True, stdout=subprocess.DEVNULL, check=True)
        subprocess.run([*sudo, "chmod", "755", str(POLICY)], check=True)
        yield
    finally:
        subprocess.run([*sudo, "rm", "-f", str(POLICY)], check=True)


@contextlib.contextmanager
def _no_cluster(sudo: list[str]) -> Iterator[None]:
    """PostgreSQL's package makes no cluster of its own: ours are made by `compose.postgres`."""
    made_folder = not _CLUSTERS.parent.exists()
    try:
        subprocess.run([*sudo, "mkdir", "-p", str(_CLUSTERS.parent)], check=True)
        text = "# Put here by Watchfloor while it installs packages.\ncreate_main_cluster = false\n"
        subprocess.run([*sudo, "tee", str(_CLUSTERS)], input=text, text=True, stdout=subprocess.DEVNULL, check=True)
        yield
    finally:
        subprocess.run([*sudo, "rm", "-f", str(_CLUSTERS)], check=True)
        if made_folder:  # stays where the package has put something beside it
            for folder in (_CLUSTERS.parent, _CLUSTERS.parent.parent):
                subprocess.run([*sudo, "rmdir", str(folder)], capture_output=True, check=False)


def _disable(units: list[str], sudo: list[str]) -> None:
    tool = shutil.which("systemctl") or shutil.which("deb-systemd-helper")
    for unit in units if tool else []:
        subprocess.run([*sudo, str(tool), "disable", unit], capture_output=True, check=False)
