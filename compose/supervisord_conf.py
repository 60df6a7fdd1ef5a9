"""The topology as supervisord's configuration."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from compose import postgres
from compose.errors import BadInputError, ComposeError
from compose.host import DATABASE_USER, Host
from compose.service import Context, Service
from compose.supervisor import BACKUP, BACKUP_POSTGRES, socket
from compose.topology import services
from settings.environment import SECRETS, VALUES
from settings.paths import CLONE


def config(context: Context, host: Host, environment: Mapping[str, str]) -> str:
    """The configuration of supervisord for this site and the caller's environment.

    Raises ComposeError where the home's path, BadInputError where a variable holds what it cannot read.
    """
    paths = context.paths
    user = host.user
    if odd := set(str(paths.home)) & set("%\"'\n;"):
        # It expands % in some values once and in others twice, and quotes by rules of its own.
        raise ComposeError(f"supervisord cannot read such a path: {paths.home} holds {odd.pop()!r}: move the clone")
    overrides = {name: environment[name] for name in (*VALUES, *SECRETS) if environment.get(name)}
    for name, value in overrides.items():
        if set(value) & set("%\"'\n"):
            raise BadInputError(f"environment: {name}: holds a quote, a percent sign or a line's end: use the key in site.yaml")
    lines = [
        "[supervisord]",
        f"logfile={paths.logs}/supervisord.log",
        "logfile_maxbytes=5MB",
        "logfile_backups=2",
        f"pidfile={paths.run}/supervisord.pid",
        f"directory={paths.home}",
        "umask=022",
        "minfds=4096",
        *(["user=root"] if user else []),
        "",
        "[unix_http_server]",
        f"file={socket(paths.run)}",
        f"chmod={'0770' if user else '0700'}",
        *([f"chown=root:{user}"] if user else []),
        "",
        "[rpcinterface:supervisor]",
        "supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface",
        "",
        "[supervisorctl]",
        f"serverurl=unix://{socket(paths.run)}",
    ]
    for rank, service in enumerate(services(context.site)):
        lines += ["", *_program(service, rank, context, host, overrides)]
    errands = [Errand(BACKUP, context.module("compose.backup"), environment=overrides)]
    if context.site.workload:
        errands.append(Errand(BACKUP_POSTGRES, postgres.backup(context), DATABASE_USER))
    for errand in errands:
        lines += ["", *_errand(errand, host, context)]
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Errand:
    """A program that runs when it is asked to, and ends; as whom, empty for the services' user."""

    name: str
    words: tuple[str, ...]
    user: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)


def _errand(errand: Errand, host: Host, context: Context) -> list[str]:
    paths, name = context.paths, errand.name
    environment = {"WATCHFLOOR_HOME": paths.home, "WATCHFLOOR_SITE": paths.site, "PYTHONUNBUFFERED": 1, "LANG": "C.UTF-8"}
    return [
        f"[program:{name}]",
        "command=" + " ".join(_quoted(word) for word in errand.words),
        "environment=" + ",".join(f'{key}="{value}"' for key, value in {**environment, **errand.environment}.items()),
        f"directory={paths.home}",
        *([f"user={host.account(errand.user)}"] if host.user else []),
        "autostart=false",
        "autorestart=false",
        "startsecs=0",
        "stopasgroup=true",  # what it has started ends with it
        "killasgroup=true",
        "redirect_stderr=true",
        f"stdout_logfile={paths.logs}/{name}.log",
        "stdout_logfile_maxbytes=1MB",
        "stdout_logfile_backups=1",
    ]


def _program(service: Service, rank: int, context: Context, host: Host, overrides: Mapping[str, str]) -> list[str]:
    paths = context.paths
    environment = {"WATCHFLOOR_HOME": paths.home, "WATCHFLOOR_SITE": paths.site, "PYTHONUNBUFFERED": 1, "LANG": "C.UTF-8"}
    if service.own:  # restarted when the settings or the code they run are new; servers reread their files on SIGHUP
        environment |= {"WATCHFLOOR_DIGEST": _digest(context), **overrides}
    return [
        f"[program:{service.name}]",
        "command=" + " ".join(_quoted(word) for word in service.command(context)),
        "environment=" + ",".join(f'{key}="{value}"' for key, value in environment.items()),
        f"directory={paths.home}",
        *([f"user={host.account(service.user)}"] if host.user else []),
        f"priority={10 + rank}",
        "autorestart=true",
        "startsecs=1",
        "startretries=1000000",  # never given up: a cause may go away; the watcher and the alerts tell of it
        f"stopwaitsecs={service.stop_seconds}",
        f"stopsignal={service.stop_signal}",
        "stopasgroup=false",
        "killasgroup=true",
        "redirect_stderr=true",
        f"stdout_logfile={paths.logs}/{service.name}.log",
        "stdout_logfile_maxbytes=10MB",
        "stdout_logfile_backups=3",
    ]


def _digest(context: Context) -> str:
    digest = hashlib.sha256(context.paths.site.read_bytes())
    for room in ("alerts", "compose", "dashboards", "exporters", "metrics", "settings", "stream"):
        for path in sorted((CLONE / room).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _quoted(word: str) -> str:
    """As the command line of a program wants it, where supervisord expands %."""
    word = word.replace("%", "%%")
    return f'"{word}"' if not word or any(character in word for character in " ;'\t") else word
