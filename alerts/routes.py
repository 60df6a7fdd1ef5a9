"""Who is told, how soon, how often: the values of Alertmanager's configuration, without any I/O.

The inbox gets every alert by itself (`group_by: ["..."]`), so that its arrival is never held back by another one; receivers
that people read get alerts of one name grouped.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from alerts.overrides import locate
from metrics import slo_signals, stack
from settings import SettingsError, Site
from settings.types import Email, PagerDuty, Receiver, Slack, Webhook

GROUP_WAIT = {"critical": "5s", "warning": "30s"}
INBOX_INTERVAL = "10s"
PEOPLE_INTERVAL = "1m"
REPEAT = "4h"
WATCHDOG_INTERVAL = "30s"
WATCHDOG_REPEAT = "1m"
BURNING = tuple(name for signal in slo_signals.PAIRS for name in signal.alerts.values())  # the fastest first
RESERVED = ("inbox", "nobody", "watchdog")
# From rendered/alertmanager/ to `settings.Paths.inbox_token`; Alertmanager resolves paths beside its configuration.
INBOX_TOKEN = "../../secrets/inbox_token"  # noqa: S105  # a path, not a secret

_SUBJECT = (
    '{{ if eq .Status "resolved" }}RESOLVED{{ else }}{{ .CommonLabels.severity | toUpper }}{{ end }} '
    "{{ (index .Alerts 0).Annotations.summary }}{{ if gt (len .Alerts) 1 }} ({{ len .Alerts }} alerts){{ end }}"
)
_BODY = (
    "{{ range .Alerts }}{{ .Annotations.description }}\n{{ .Annotations.impact }}\n"
    "Runbook: {{ .Annotations.runbook_url }}\nDashboard: {{ .Annotations.dashboard_url }}\n{{ end }}"
)


@dataclass(frozen=True)
class Route:
    """Alerts of one severity, to one receiver; durations are Prometheus's."""

    severity: str
    receiver: str
    group_by: str
    group_wait: str
    group_interval: str


def context(site: Site) -> dict[str, Any]:
    """What `alertmanager.yml.j2` is filled with.

    Raises SettingsError for a receiver that has the name of one of the appliance's own.
    """
    _refuse_reserved(site)
    return {
        "times": {
            "critical_wait": site.scaled(GROUP_WAIT["critical"]),
            "inbox_interval": site.scaled(INBOX_INTERVAL),
            "repeat": site.scaled(REPEAT),
            "watchdog_interval": site.scaled(WATCHDOG_INTERVAL),
            "watchdog_repeat": site.scaled(WATCHDOG_REPEAT),
        },
        "routes": tuple(_routes(site)),
        "burning": [(BURNING[place], BURNING[place + 1 :]) for place in range(len(BURNING) - 1)],
        "own_database": site.workload and not site.database.url_file and not site.exporters.postgres.targets,
        "jobs": {"postgres": stack.JOB_POSTGRES, "model_quality": stack.JOB_MODEL_QUALITY},
        "inbox": _yaml(_inbox(site, send_resolved=True)),
        "watchdog": _yaml(_inbox(site, send_resolved=False)),
        "receivers": [_receiver(receiver) for receiver in site.receivers],
    }


def _refuse_reserved(site: Site) -> None:
    for index, receiver in enumerate(site.receivers):
        if receiver.name in RESERVED:
            where = locate("receivers", index, "name")
            problem = f"receivers[{index}].name: {receiver.name!r} is the appliance's own receiver"
            raise SettingsError(where, problem, "give it another name")


def _routes(site: Site) -> Iterator[Route]:
    for severity, wait in GROUP_WAIT.items():
        yield Route(severity, "inbox", '["..."]', site.scaled(wait), site.scaled(INBOX_INTERVAL))
        for receiver in site.receivers:
            if severity in receiver.severities:
                yield Route(severity, receiver.name, "[alertname, cluster]", site.scaled(wait), site.scaled(PEOPLE_INTERVAL))


def _inbox(site: Site, *, send_resolved: bool) -> dict[str, Any]:
    return {
        "url": site.local_url(site.ports.inbox) + "/api/alerts",
        "send_resolved": send_resolved,
        "http_config": _bearer(INBOX_TOKEN),
    }


def _bearer(file: str) -> dict[str, Any]:
    return {"authorization": {"type": "Bearer", "credentials_file": file}}


def _receiver(receiver: Receiver) -> dict[str, str]:
    kinds: dict[type, tuple[str, Any]] = {
        Webhook: ("webhook_configs", _webhook),
        Email: ("email_configs", _email),
        Slack: ("slack_configs", _slack),
        PagerDuty: ("pagerduty_configs", _pagerduty),
    }
    kind, build = kinds[type(receiver)]
    return {"name": receiver.name, "kind": kind, "config": _yaml(build(receiver))}


def _webhook(receiver: Webhook) -> dict[str, Any]:
    config: dict[str, Any] = {"url": receiver.url, "send_resolved": True}
    if receiver.bearer_token_file:
        config["http_config"] = _bearer(receiver.bearer_token_file)
    return config


def _email(receiver: Email) -> dict[str, Any]:
    config: dict[str, Any] = {
        "to": receiver.to,
        "from": receiver.from_,
        "smarthost": receiver.smarthost,
        "require_tls": receiver.require_tls,
        "send_resolved": True,
        "headers": {"Subject": _SUBJECT},
    }
    if receiver.username:
        config["auth_username"] = receiver.username
    if receiver.password_file:
        config["auth_password_file"] = receiver.password_file
    return config


def _slack(receiver: Slack) -> dict[str, Any]:
    config: dict[str, Any] = {
        "api_url_file": receiver.url_file,
        "send_resolved": True,
        "title": _SUBJECT,
        "text": _BODY,
    }
    if receiver.channel:
        config["channel"] = receiver.channel
    return config


def _pagerduty(receiver: PagerDuty) -> dict[str, Any]:
    return {
        "routing_key_file": receiver.routing_key_file,
        "send_resolved": True,
        "description": _SUBJECT,
        "severity": "{{ .CommonLabels.severity }}",
    }


def _yaml(value: dict[str, Any]) -> str:
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=1000).rstrip("\n")
