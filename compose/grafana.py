"""Grafana, where it is installed: its configuration, what it is provisioned with, and how it is started in the preview's place.

No password stands in a rendered file: the administrator's is read by Grafana (`$__file{}`), those of its data sources come by its
environment, from files, when it starts. Keys are those of https://grafana.com/docs/grafana/latest/setup-grafana/configure-grafana/.
"""

from __future__ import annotations

import hashlib
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from compose.service import Context, Service
from metrics import stack
from settings import Paths, Site
from settings.paths import ALERTMANAGER_USER, PROMETHEUS_USER

PACKAGED = Path("/usr/share/grafana")
_HEAD = "Rendered from site.yaml by `make up` and `make reload`; edit that file."
# Names in Grafana's environment; a file may name one as $NAME, which Grafana does not expand a second time.
_PROMETHEUS, _ALERTMANAGER = "WATCHFLOOR_PROMETHEUS_PASSWORD", "WATCHFLOOR_ALERTMANAGER_PASSWORD"


def home() -> Path | None:
    """Grafana's folder on this machine: where `conf/defaults.ini` is; None where Grafana is not installed."""
    found = next(filter(None, map(shutil.which, ("grafana", "grafana-server"))), None)
    if not found:
        return None
    places = (Path(found).resolve().parent.parent, PACKAGED)
    return next((place for place in places if (place / "conf" / "defaults.ini").is_file()), None)


def chosen(site: Site, service: Service) -> Service:
    """The service that serves the dashboards: Grafana in containers and where it is installed, else the preview."""
    if service.job != stack.JOB_PREVIEW or not (site.contained or home()):
        return service
    return replace(
        service, summary="dashboards (Grafana)", command=command, own=False, alive="/api/health", ready="/api/health",
        state="grafana", rereads=False, stop_seconds=30,
    )  # fmt: skip


def command(context: Context) -> tuple[str, ...]:
    """Starts Grafana. It reads its files once: their digest is in the command line, so that new ones restart it."""
    made = files(context.site, context.paths, home() or PACKAGED)
    digest = hashlib.sha256("".join(made.values()).encode()).hexdigest()[:12]
    return ("/bin/sh", str(context.paths.rendered / "grafana" / "start"), f"configuration-{digest}")


def files(site: Site, paths: Paths, place: Path) -> dict[str, str]:
    """Every file's text, by its path below the rendered folder."""
    provisioning = "grafana/provisioning"
    return {
        "grafana/grafana.ini": _ini(configuration(site, paths)),
        "grafana/start": _start(site, paths, place),
        f"{provisioning}/datasources/watchfloor.yml": _yaml(datasources(site)),
        f"{provisioning}/dashboards/watchfloor.yml": _yaml(provider(paths)),
    }


def configuration(site: Site, paths: Paths) -> dict[str, dict[str, object]]:
    """grafana.ini by section: who signs in is a viewer, nobody signs up, nothing is told to anybody outside."""
    public = site.public(site.ports.grafana)
    data, overview = paths.data / "grafana", f"{stack.DASHBOARD_OVERVIEW}.json"
    provisioning = paths.rendered / "grafana" / "provisioning"
    return {
        "paths": {"data": data, "plugins": data / "plugins", "logs": data, "provisioning": provisioning},
        "server": {"http_addr": site.bind.strip("[]"), "http_port": site.ports.grafana, "root_url": f"{public}/"},
        "database": {"type": "sqlite3"},
        "log": {"mode": "console", "level": "warn"},
        "security": {
            "admin_user": "admin", "admin_password": _file(paths.grafana_password), "secret_key": _file(paths.grafana_secret_key),
            "disable_gravatar": True, "cookie_secure": public.startswith("https:"), "cookie_samesite": "lax",
        },
        "users": {
            "allow_sign_up": False, "allow_org_create": False, "auto_assign_org": True, "auto_assign_org_role": "Viewer",
            "viewers_can_edit": False, "default_theme": "system",
        },
        "auth.anonymous": {"enabled": False},
        "dashboards": {"default_home_dashboard_path": paths.rendered / "dashboards" / overview, "min_refresh_interval": "5s"},
        "analytics": {
            "enabled": False, "reporting_enabled": False, "check_for_updates": False, "check_for_plugin_updates": False,
            "feedback_links_enabled": False,
        },
        "news": {"news_feed_enabled": False},
        "plugins": {"plugin_admin_enabled": False, "preinstall_disabled": True, "public_key_retrieval_disabled": True},
        "snapshots": {"external_enabled": False},
        # Rules are Prometheus's; Grafana shows them and evaluates none of its own.
        "unified_alerting": {"enabled": True, "execute_alerts": False},
        "metrics": {"enabled": True, "disable_total_stats": True},
    }  # fmt: skip


def datasources(site: Site) -> dict[str, Any]:
    """Prometheus and Alertmanager; each is deleted before it is made, because Grafana keeps what a new file leaves out."""
    guarded = site.guards_prometheus and not site.endpoints.prometheus
    user = site.endpoints.prometheus_username or (PROMETHEUS_USER if guarded else "")
    prometheus = {
        "name": "Prometheus", "uid": stack.DATASOURCE_PROMETHEUS, "type": "prometheus", "url": site.prometheus_url,
        "isDefault": True, **_basic(user, _PROMETHEUS),
        # Where it differs from the real one, $__rate_interval holds a single sample and every rate is empty.
        "jsonData": {
            "timeInterval": site.scaled(site.prometheus.scrape_interval), "httpMethod": "POST", "prometheusType": "Prometheus",
            "alertmanagerUid": stack.DATASOURCE_ALERTMANAGER,
        },
    }  # fmt: skip
    own = not site.endpoints.alertmanager
    alertmanager = {
        "name": "Alertmanager", "uid": stack.DATASOURCE_ALERTMANAGER, "type": "alertmanager", "url": site.alertmanager_url,
        "isDefault": False, **_basic(ALERTMANAGER_USER if own else "", _ALERTMANAGER),
        "jsonData": {"implementation": "prometheus", "handleGrafanaManagedAlerts": False},
    }  # fmt: skip
    sources = [source | {"orgId": 1, "access": "proxy", "editable": False} for source in (prometheus, alertmanager)]
    gone = [{"name": source["name"], "orgId": 1} for source in sources]
    return {"apiVersion": 1, "deleteDatasources": gone, "datasources": sources}


def _basic(user: str, variable: str) -> dict[str, Any]:
    if not user:
        return {}
    return {"basicAuth": True, "basicAuthUser": user, "secureJsonData": {"basicAuthPassword": f"${variable}"}}


def provider(paths: Paths) -> dict[str, Any]:
    """Dashboards by file: those of this site, in a folder that a page cannot change."""
    found = {
        "name": "Watchfloor", "orgId": 1, "folder": "Watchfloor", "folderUid": "watchfloor", "type": "file",
        "disableDeletion": False, "allowUiUpdates": False, "updateIntervalSeconds": 10,
        "options": {"path": str(paths.rendered / "dashboards")},
    }  # fmt: skip
    return {"apiVersion": 1, "providers": [found]}


def _start(site: Site, paths: Paths, place: Path) -> str:
    """A script that hands passwords from their files to Grafana and becomes it; its argument is the configuration's digest."""
    named = site.endpoints.prometheus_password_file
    passwords = {_ALERTMANAGER: (paths.alertmanager_password, "")}
    if named or site.endpoints.prometheus_username:
        passwords[_PROMETHEUS] = (Path(named or "/dev/null"), "PROMETHEUS_PASSWORD")
    elif site.guards_prometheus and not site.endpoints.prometheus:
        passwords[_PROMETHEUS] = (paths.prometheus_password, "")
    lines = ["#!/bin/sh", f"# {_HEAD}", "set -eu"]
    for variable, (file, given) in passwords.items():
        read = f"$(cat {shlex.quote(str(file))})"
        lines += [f'{variable}="{f"${{{given}:-{read}}}" if given else read}"', f"export {variable}"]
    program = place / "bin" / "grafana"
    words = [program, "server", f"--homepath={place}", f"--config={paths.rendered}/grafana/grafana.ini"]
    lines.append("exec " + " ".join(shlex.quote(str(word)) for word in words))
    return "\n".join(lines) + "\n"


def _ini(sections: Mapping[str, Mapping[str, object]]) -> str:
    lines = [f"# {_HEAD}"]
    for name, values in sections.items():
        lines += ["", f"[{name}]", *(f"{key} = {_written(value)}" for key, value in values.items())]
    return "\n".join(lines) + "\n"


def _written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _yaml(tree: dict[str, Any]) -> str:
    return f"# {_HEAD}\n" + yaml.safe_dump(tree, sort_keys=False)


def _file(path: Path) -> str:
    return f"$__file{{{path.absolute()}}}"
