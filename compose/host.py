"""This machine: who we are, which home the appliance has here, which user its services run as. Standard library only."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from compose.errors import ComposeError
from settings.paths import CLONE, HOME_VARIABLE

SERVICE_USER = "watchfloor"
DATABASE_USER = "watchfloor-db"
USERS = (SERVICE_USER, DATABASE_USER)
SYSTEM_HOME = Path("/var/lib/watchfloor")


def is_root() -> bool:
    """Whether this process may make users, install packages and change owners."""
    return os.geteuid() == 0


def readable_by_all(path: Path) -> bool:
    """Whether a user without rights of its own can go to `path` and read the code there."""
    folders_open = all(folder.stat().st_mode & stat.S_IXOTH for folder in (path, *path.parents))
    return folders_open and bool((path / "pyproject.toml").stat().st_mode & stat.S_IROTH)


@dataclass(frozen=True)
class Host:
    """Where the appliance lives on this machine.

    `home` holds code environment, rendered files and state. `user` runs the services; None means whoever runs the
    command. `copied` tells that services run an installed copy of the code, because their user cannot read the clone.
    """

    home: Path
    user: str | None
    copied: bool

    @classmethod
    def detect(cls, home: Path | None = None) -> Host:
        """As root, services get a user of their own; a clone that this user cannot read is copied to /var/lib."""
        copied = is_root() and not readable_by_all(CLONE)
        given = home or (Path(os.environ[HOME_VARIABLE]) if os.environ.get(HOME_VARIABLE) else None)
        default = SYSTEM_HOME if copied else CLONE / "var"
        return cls((given or default).absolute(), SERVICE_USER if is_root() else None, copied)

    @property
    def python(self) -> Path:
        """The interpreter of the environment that services run in."""
        return self.venv / "bin" / "python"

    @property
    def venv(self) -> Path:
        """The environment of the services: the one that we run in, and before there is one, where it is to be made."""
        if sys.prefix != sys.base_prefix:
            return Path(sys.prefix)
        return (SYSTEM_HOME if self.copied else CLONE / "var") / "venv"

    def account(self, user: str = "") -> str | None:
        """Whom a service runs as: `user`, or the service user where it names none; None for whoever runs the command."""
        return (user or self.user) if self.user else None

    def give(self, path: Path | int, user: str = "") -> None:
        """Makes a folder, or an open file, the service user's own, or `user`'s; nothing to do when services run as ourselves.

        A path must stand in a folder that is ours alone: elsewhere another could put a link in its place.
        """
        if account := self.account(user):
            owner = pwd.getpwnam(account)
            os.chown(path, owner.pw_uid, owner.pw_gid)

    def make(self, folder: Path, mode: int, user: str = "") -> None:
        """A folder of the service user's, or `user`'s, whole or not at all; its parent must be ours alone."""
        if folder.exists():
            return
        new = folder.with_name(f"{folder.name}.new")
        if new.exists():  # what was left by a start that was killed; nobody has written there
            new.rmdir()
        new.mkdir(mode=0o700)
        new.chmod(mode)
        self.give(new, user)
        new.rename(folder)

    def show(self, path: Path) -> None:
        """Lets the service user's group read a path of ours, by its group bits."""
        if self.user:
            os.chown(path, -1, pwd.getpwnam(self.user).pw_gid)

    def may_read(self, path: Path) -> bool:
        """Whether the services' user may read the file, by its owner, group and mode; folders above it are not looked at."""
        if not self.user:
            return os.access(path, os.R_OK)
        user, status = pwd.getpwnam(self.user), path.stat()
        if status.st_uid == user.pw_uid:
            return bool(status.st_mode & stat.S_IRUSR)
        return bool(status.st_mode & (stat.S_IRGRP if status.st_gid == user.pw_gid else stat.S_IROTH))


def user_exists(name: str) -> bool:
    """Whether this machine knows the user."""
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def make_user(name: str) -> None:
    """A system user without a shell, a home or a password."""
    useradd = shutil.which("useradd") or "/usr/sbin/useradd"
    command = [useradd, "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
    subprocess.run([*command, "--shell", "/usr/sbin/nologin", name], check=True)


def remove_user(name: str) -> None:
    """Removes the user that `make_user` made."""
    subprocess.run([shutil.which("userdel") or "/usr/sbin/userdel", name], check=True)


def run_as(words: list[str], user: str | None, text: str = "", *, failed: str = "nothing was changed") -> None:
    """As the user whose folder it is: what root wrote there could follow a link. `text` is read by the program.

    Raises ComposeError, which says what `failed` and has the program's last words.
    """
    become = [shutil.which("setpriv") or "setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"] if user else []
    try:
        done = subprocess.run([*become, *words], input=text, capture_output=True, text=True, cwd="/", check=False)
    except FileNotFoundError as error:
        raise ComposeError(f"{failed}: {error.filename} is not there: this machine: install its package") from error
    if done.returncode != 0:
        last = "\n".join((done.stderr or done.stdout).splitlines()[-8:])
        raise ComposeError(f"{failed}: {Path(words[0]).name} failed: its words:\n{last}")
