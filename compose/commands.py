"""What each command does for the person who typed it."""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time

from compose import backing, boot, container_backup, container_restore, packages, restore, state, tokens
from compose.docker import Containers
from compose.doctor import doctor
from compose.errors import BadInputError, ComposeError
from compose.host import is_root, remove_user, user_exists
from compose.machine import certificate_days, fingerprint
from compose.native import Stack
from compose.rotate import rotate
from compose.supervisor import ERRANDS
from compose.terminal import Row, console, table
from settings.exposure import exposed

_SETTLE = 10.0  # seconds that a first start gives services to find one another


def tell(text: str) -> None:
    """One line of progress."""
    print(text, flush=True)


def up(stack: Stack, _: argparse.Namespace) -> int:
    """Start everything and wait until it is healthy."""
    began = time.monotonic()
    went_back = _went_back(stack)
    if went_back:
        tell("a restore was cut off: the data from before it is back")
    changed = stack.up(tell) or went_back
    rows = _settled(stack) if changed else stack.rows()
    console().print(table(rows))
    _warn(stack)
    if not changed:
        tell("all of it was running already; nothing was changed")
    else:
        tell(f"ready after {time.monotonic() - began:.0f} s")
    return _verdict(rows)


def _went_back(stack: Stack) -> bool:
    return container_restore.go_back(stack, tell) if isinstance(stack, Containers) else restore.go_back(stack.paths)


def _settled(stack: Stack) -> list[Row]:
    """The rows once no service calls itself degraded, or after some seconds: who needs another looks for it every few of them."""
    end = time.monotonic() + _SETTLE
    while True:
        rows = stack.rows()
        if time.monotonic() > end or not any(row.state == "ok" and row.why for row in rows):
            return rows
        time.sleep(0.2)


def down(stack: Stack, _: argparse.Namespace) -> int:
    """Stop everything; data stays."""
    tell(f"stopped; data stays {_where(stack)}" if stack.down() else "nothing was running")
    return 0


def _where(stack: Stack) -> str:
    return "in the containers' volumes" if stack.contained else f"in {stack.paths.data}"


def status(stack: Stack, options: argparse.Namespace) -> int:
    """Show every service, its state, its address."""
    rows = stack.rows()
    if options.json:
        print(json.dumps([vars(row) for row in rows], indent=2))
    else:
        console().print(table(rows))
    _warn(stack)
    return _verdict(rows, orphaned=stack.orphaned())


def _warn(stack: Stack) -> None:
    if file := restore.cut_off(stack):
        print(f"CUT OFF: a restore has not ended: {file}: `make up` brings the data from before it back", file=sys.stderr)
    site = stack.site()
    if exposed(site):
        what = f"INSECURE: bind: {site.bind} shows every service to the network without TLS and a password: site.yaml"
        print(f"{what}: switch the entrance on instead (docs/guides/security.md)", file=sys.stderr)
    elif site.insecure:
        print("INSECURE: insecure: true stands in site.yaml, though nothing is shown to a network: take it out", file=sys.stderr)


def _verdict(rows: list[Row], *, orphaned: bool = False) -> int:
    bad = [row for row in rows if row.state != "ok"]
    if orphaned:
        print("supervisord has ended: nothing brings services back: `make up` starts it all again", file=sys.stderr)
    elif all(row.state == "stopped" for row in rows):
        print("nothing runs: this home: `make up` starts it", file=sys.stderr)
    elif bad:
        print(f"not healthy: {', '.join(row.name for row in bad)}: see `make logs s={bad[0].name}`", file=sys.stderr)
    return 1 if bad else 0


def logs(stack: Stack, options: argparse.Namespace) -> int:
    """Show a service's last lines, and follow them in a terminal."""
    known = [service.name for service in stack.services(stack.site())]
    known += [] if stack.contained else ["supervisord", *ERRANDS]
    if options.service not in known:
        names = ", ".join(known)
        raise BadInputError(f"{options.service or 'no name'}: is no service: `make logs s=NAME` with one of {names}")
    command = stack.log_command(options.service, options.lines, follow=sys.stdout.isatty())
    return subprocess.run(command, check=False).returncode


def reload(stack: Stack, _: argparse.Namespace) -> int:
    """Apply site.yaml to the running services; a bad file is refused and the old one stays."""
    if not stack.running():
        raise ComposeError("nothing runs: this home: `make up` starts it with the new settings")
    changed = stack.up(tell)
    tell("applied" if changed else "nothing has changed")
    return _verdict(stack.rows())


def certs(stack: Stack, _: argparse.Namespace) -> int:
    """Make the entrance's certificate anew by the appliance's own authority, and say what browsers are to trust."""
    site, _text = stack.settings(tell)
    if not site.entrance.enabled:
        raise BadInputError(f"{stack.site_file.name}: entrance.enabled: is off: set it to true: without it nobody shows one")
    if site.entrance.certificate:
        what = f"{stack.site_file.name}: entrance.certificate: is yours"
        raise BadInputError(f"{what}: renew {site.entrance.certificate} itself, then `make reload`")
    stack.certify(site)
    if stack.running():
        stack.up(tell)
    tell(f"a new certificate, good for {certificate_days(stack.paths.certificate):.0f} days, for {site.entrance_url}")
    tell(f"browsers and programs are to trust {stack.paths.authority}, whose SHA-256 is {fingerprint(stack.paths.authority)}")
    return 0


def renewed(stack: Stack, options: argparse.Namespace) -> int:
    """Generate a secret anew (--service NAME) and tell whoever uses it."""
    rotate(stack, options.service, tell)
    return _verdict(stack.rows()) if stack.running() else 0


def token(stack: Stack, options: argparse.Namespace) -> int:
    """Issue, list and revoke tokens of the stream's clients: what follows is for `python -m stream.tokens`."""
    return tokens.run(stack, options.words)


def backup(stack: Stack, _: argparse.Namespace) -> int:
    """Back up the data of the running appliance, now."""
    made = container_backup.backup(stack, tell) if isinstance(stack, Containers) else backing.backup(stack, tell)
    tell(f"made: {made.bytes / 2**20:.1f} MB in {made.seconds:.0f} s")
    return 0


def bring_back(stack: Stack, options: argparse.Namespace) -> int:
    """Put a backup in the place of the data (asks first)."""
    _ask(f"This puts a backup in the place of the data {_where(stack)}: what came since is lost.", options)
    if isinstance(stack, Containers):
        label = container_restore.bring_back(stack, options.label, tell)
    else:
        label = restore.restore(stack, options.label, tell)
    tell(f"restored {label}")
    return _verdict(stack.rows())


def service(stack: Stack, _: argparse.Namespace) -> int:
    """Write a systemd unit that starts the appliance with the machine; installing it is yours."""
    if stack.contained:
        raise ComposeError("containers come back with Docker's own service: this machine: `systemctl enable docker` is all")
    file = stack.paths.run / boot.NAME
    file.write_text(boot.unit(stack.host, stack.site_file), encoding="utf-8")
    tell(f"wrote {file}: as root:")
    tell(f"  install -m 644 {file} /etc/systemd/system/{boot.NAME}")
    tell("  systemctl daemon-reload")
    if stack.supervisor.running():
        tell("  make down        # what runs now was not started by systemd")
    tell(f"  systemctl enable --now {boot.NAME}")
    return 0


def clean(stack: Stack, options: argparse.Namespace) -> int:
    """Stop everything and remove all data, logs and secrets (asks first)."""
    _ask(f"This stops the appliance and removes its data {_where(stack)}, its logs and secrets; backups stay.", options)
    stack.down()
    stack.wipe()
    _remove_state(stack)
    tell("removed; site.yaml and the Python environment stay")
    return 0


def _remove_state(stack: Stack) -> None:
    """Whatever the appliance made in its home, and nothing else; what cannot be removed is told."""
    paths = stack.paths
    made = [paths.authority, paths.authority_key.parent]
    made += [state.file(paths), paths.data, paths.logs, paths.secrets, paths.rendered, *paths.home.glob("rendered-*")]
    made += [file for file in paths.run.iterdir() if file.name != "lock"] if paths.run.exists() else []
    for path in made:
        if path.is_symlink() or path.is_file() or path.is_socket():
            path.unlink()
        elif path.is_dir():
            shutil.rmtree(path)


def uninstall(stack: Stack, options: argparse.Namespace) -> int:
    """Remove what `make up` brought to this machine: state, packages, user (asks first)."""
    home = stack.paths.home
    record = home / "setup.json"
    brought = json.loads(record.read_text(encoding="utf-8")) if record.exists() else {}
    names = brought.get("packages", [])
    users = [*brought.get("users", []), *filter(None, [brought.get("user")])]  # earlier versions made one
    what = [f"the appliance's state under {home}"]
    if names:
        shown = ", ".join(names[:6]) + (", …" if len(names) > 6 else "")
        what.append(f"{len(names)} packages that came with it ({shown})")
    what += [f"the user {user}" for user in users]
    _ask(f"This removes {'; '.join(what)}.", options)
    if users and not is_root():
        raise ComposeError(f"{' and '.join(users)} stay: only root may remove users: run it as root")
    stack.down()
    stack.wipe()
    if names and (stay := packages.remove(names)):
        shown = ", ".join(stay[:6]) + (", …" if len(stay) > 6 else "")
        tell(f"{len(stay)} packages stay, because the machine needs them: {shown}")
    for user in filter(user_exists, users):
        remove_user(user)
    _remove_state(stack)
    _remove_setup(stack)
    tell("removed; the clone and site.yaml stay")
    return 0


def _remove_setup(stack: Stack) -> None:
    home, venv = stack.paths.home, stack.host.venv
    for path in (home / "code", venv if venv.parent == home else home / "venv", stack.paths.run):
        if path.is_dir():
            shutil.rmtree(path)
    (home / "setup.json").unlink(missing_ok=True)
    if not any(home.iterdir()):
        home.rmdir()


def _ask(what: str, options: argparse.Namespace) -> None:
    if options.yes:
        return
    print(what)
    if not sys.stdin.isatty():
        raise BadInputError("not confirmed: there is no terminal to ask: add `yes=1`")
    if input("Type yes to go on: ").strip().lower() != "yes":
        raise ComposeError("not confirmed: nothing was changed: type yes when you mean it")


COMMANDS = {
    "up": up,
    "down": down,
    "status": status,
    "logs": logs,
    "reload": reload,
    "doctor": doctor,
    "certs": certs,
    "rotate": renewed,
    "token": token,
    "service": service,
    "backup": backup,
    "restore": bring_back,
    "clean": clean,
    "uninstall": uninstall,
}
