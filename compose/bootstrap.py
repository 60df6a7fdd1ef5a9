"""The first step of every make target: what the appliance needs is installed, then the command runs in its environment.

    python3 -m compose.bootstrap [--tests] [--no-setup] PYTHON-ARGUMENTS…

Standard library only, because on a fresh machine nothing else is there. Packages that came are written down in
`setup.json` in the home, so that `make uninstall` can take them back. The lock taken here stays held by the command.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from compose import engine, packages
from compose.errors import EXIT_FAILED, EXIT_INTERRUPTED, ComposeError
from compose.host import SERVICE_USER, USERS, Host, make_user, user_exists
from settings.paths import CLONE, HOME_VARIABLE

SYSTEM_PYTHON = Path("/usr/bin/python3")
COPIED = (
    "alerts", "compose", "dashboards", "docs", "exporters", "metrics", "settings", "stream",
    "pyproject.toml", "site.example.yaml",
)  # fmt: skip
LOCK_VARIABLE = "WATCHFLOOR_LOCK_FD"
REQUIREMENTS = {False: CLONE / "requirements" / "runtime.txt", True: CLONE / "requirements" / "dev.txt"}


def main(arguments: list[str]) -> int:
    """Sets up what is missing and replaces this process by Python with the remaining arguments."""
    _become_system_python(arguments)
    tests, setup = "--tests" in arguments, "--no-setup" not in arguments
    command = [argument for argument in arguments if argument not in ("--tests", "--no-setup")]
    try:
        host = Host.detect()
        if setup:
            take_lock(host)
            set_up(host, tests=tests)
            if command[:2] != ["-m", "compose"]:  # only what starts and stops services keeps others waiting
                release_lock()
        _refuse_unset(host)
    except ComposeError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    except PermissionError as error:
        print(f"{error.filename}: permission denied: run it as the user who ran `make up` first, or by sudo", file=sys.stderr)
        return EXIT_FAILED
    except OSError as error:  # a full disk, one that can only be read
        where = error.filename or "this machine"
        print(f"{where}: {error.strerror or error}: make room, or look at the disk, and repeat the command", file=sys.stderr)
        return EXIT_FAILED
    except KeyboardInterrupt:
        print("interrupted; repeat the command to go on where it stopped", file=sys.stderr)
        return EXIT_INTERRUPTED
    if command:
        os.environ.setdefault(HOME_VARIABLE, str(host.home))
        os.execv(host.python, [str(host.python), *command])  # noqa: S606  # this process becomes the command
    return 0


def _become_system_python(arguments: list[str]) -> None:
    """Goes on in the system's Python, whichever was called: services run as a user who may not read anybody's home."""
    asked = [str(SYSTEM_PYTHON), "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
    other = SYSTEM_PYTHON.exists() and Path(sys.executable).resolve() != SYSTEM_PYTHON.resolve()
    if other and subprocess.run(asked, check=False).returncode == 0:
        words = [str(SYSTEM_PYTHON), "-m", "compose.bootstrap", *arguments]
        os.execv(SYSTEM_PYTHON, words)  # noqa: S606  # this process becomes the command


def _refuse_unset(host: Host) -> None:
    if not host.python.exists():
        raise ComposeError(f"nothing is set up: {host.home}: run `make up` first")


def take_lock(host: Host) -> None:
    """One set-up, start or stop at a time; the second one says so and waits."""
    folder = host.home / "run"
    folder.mkdir(parents=True, exist_ok=True)
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print("another make command is at work here: waiting for it to end", flush=True)
        fcntl.flock(lock, fcntl.LOCK_EX)
    os.set_inheritable(lock, True)
    os.environ[LOCK_VARIABLE] = str(lock)


def release_lock() -> None:
    """Lets the next one in."""
    os.close(int(os.environ.pop(LOCK_VARIABLE)))


def set_up(host: Host, *, tests: bool) -> None:
    """Packages, user, environment, code; each step is skipped when it is done already."""
    if sys.version_info < (3, 11):  # noqa: UP036  # the one file that an older Python may be asked to run
        raise ComposeError(f"Python {sys.version.split()[0]} is too old: {sys.executable}: 3.11 or newer is needed")
    contained = not tests and engine.runtime(CLONE / "site.yaml", host.home) == "docker"
    # Containers bring their servers, and users, along.
    install_lacking(host, packages.RUNTIME[:1] if contained else packages.RUNTIME + (packages.TESTS if tests else ()))
    for user in USERS if host.user and not contained else ():
        if not user_exists(user):
            make_user(user)
            _record(host, users=[user])
            print(f"made the user {user}, which runs {'the services' if user == SERVICE_USER else 'PostgreSQL'}", flush=True)
    if host.copied:
        print(f"the user {SERVICE_USER} cannot read {CLONE}: code, rendered files and state live under {host.home}", flush=True)
    _environment(host, tests=tests)
    _code(host)


def install_lacking(host: Host, wanted: tuple[packages.Package, ...]) -> None:
    """Installs those of the packages that are not there, and remembers what came with them for `make uninstall`."""
    lacking = packages.missing(wanted)
    if not lacking:
        return
    with _Step(f"installing {', '.join(package.name for package in lacking)}"):
        came = packages.install(lacking)
    _record(host, packages=came)
    if still := packages.missing(tuple(lacking)):
        raise ComposeError(f"{still[0].name} is installed but lacks what it should bring: this machine: reinstall the package")


def _environment(host: Host, *, tests: bool) -> None:
    """A virtual environment with exactly the pinned requirements; the stamp is written last, so a broken one is redone."""
    wanted = REQUIREMENTS[tests]
    digest = hashlib.sha256(wanted.read_bytes() + sys.version.encode()).hexdigest()
    stamp = host.venv / f"stamp-{wanted.stem}"
    if stamp.exists() and stamp.read_text(encoding="ascii") == digest:
        return
    with _Step("installing Python packages" + (" for tests" if tests else "")):
        version = host.venv / "pyvenv.cfg"
        if version.exists() and f"version = {sys.version.split()[0]}" not in version.read_text(encoding="utf-8"):
            shutil.rmtree(host.venv)  # an upgraded system Python needs a new environment
        if not host.python.exists() or not version.exists():
            _run([sys.executable, "-m", "venv", "--clear", str(host.venv)])
        pip = [str(host.python), "-m", "pip", "--disable-pip-version-check", "--quiet", "install", "--no-input"]
        _run([*pip, "--require-hashes", "--only-binary", ":all:", "-r", str(wanted)])
    stamp.write_text(digest, encoding="ascii")


def _code(host: Host) -> None:
    """Services import the clone itself, or, where their user cannot read it, a copy of it."""
    site = Path(
        subprocess.check_output([str(host.python), "-c", "import site; print(site.getsitepackages()[0])"], text=True).strip()
    )
    _compile(host)
    link = site / "watchfloor.pth"
    target = CLONE
    if host.copied:
        target = host.home / "code"
        _copy_code(target)
    if not link.exists() or link.read_text(encoding="utf-8") != f"{target}\n":
        link.write_text(f"{target}\n", encoding="utf-8")


def _compile(host: Host) -> None:
    """Bytecode of the code, where this user may write it: services may not, and would compile all of it at each start."""
    folders = [str(CLONE / name) for name in COPIED if (CLONE / name).is_dir()]
    words = [str(host.python), "-m", "compileall", "-q", *folders]
    subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)


def _copy_code(target: Path) -> None:
    fresh = target.with_name("code.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    for name in COPIED:  # by name: whatever else lies in a clone below /root is nobody's to read
        source = CLONE / name
        if source.is_dir():
            shutil.copytree(source, fresh / name, symlinks=True)
        else:
            shutil.copyfile(source, fresh / name)
    for path in (fresh, *fresh.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() else 0o644)
    shutil.rmtree(target, ignore_errors=True)
    fresh.rename(target)


def _run(command: list[str]) -> None:
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True, check=False
    )
    if done.returncode != 0:
        last = "\n".join(done.stdout.splitlines()[-8:])
        raise ComposeError(
            f"{Path(command[0]).name} failed: {' '.join(command[1:4])} …: look at its words, mend the cause, repeat:\n{last}"
        )


def _record(host: Host, **facts: object) -> None:
    path = host.home / "setup.json"
    known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    for key, value in facts.items():
        known[key] = sorted({*known.get(key, []), *value}) if isinstance(value, list) else value
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(known, indent=2) + "\n", encoding="utf-8")
    fresh.replace(path)


class _Step:
    """Tells what takes long, and how long it took."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.began = time.monotonic()

    def __enter__(self) -> None:
        print(f"{self.what} …", end=" ", flush=True)

    def __exit__(self, kind: object, *_: object) -> None:
        print(f"{'failed' if kind else 'done'} ({time.monotonic() - self.began:.0f} s)", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
