"""From a receiver of `site.yaml` to Alertmanager's configuration of it. Pure; secrets stay in the files that it names.

What the notifications say stands in `templates/notifications.tmpl.j2`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from alerts.versions import FILES_FOR_ALL, Version
from settings import Site
from settings.receivers import DeadMan, Email, PagerDuty, Receiver, Slack, Teams, Telegram, Webhook

# From rendered/alertmanager/ to `settings.Paths.inbox_token`; Alertmanager resolves paths beside its configuration.
INBOX_TOKEN = "../../secrets/inbox_token"  # noqa: S105  # a path, not a secret
_FIRST = '{{ template "watchfloor.first" . }}'
_COLOUR = (
    '{{ if eq .Status "resolved" }}#009E73{{ else if eq .CommonLabels.severity "critical" }}#D55E00'
    '{{ else if eq .CommonLabels.severity "info" }}#0072B2{{ else }}#E69F00{{ end }}'
)
# What is over needs no silence: the same button leads to its timeline then.
_LINKS = (
    ("What to do", "runbook"),
    ("Dashboard", "dashboard"),
    ('{{ if eq .Status "resolved" }}Inbox{{ else }}Silence{{ end }}', "aside"),
)


def configuration(receiver: Receiver) -> tuple[str, dict[str, Any]]:
    """The key below a receiver of Alertmanager's (`email_configs`), and one entry of the list that stands there."""
    kinds: dict[type, tuple[str, Callable[[Any], dict[str, Any]]]] = {
        Webhook: ("webhook_configs", _webhook),
        Email: ("email_configs", _email),
        Slack: ("slack_configs", _slack),
        PagerDuty: ("pagerduty_configs", _pagerduty),
        Telegram: ("telegram_configs", _telegram),
        Teams: ("msteamsv2_configs", _teams),
    }
    kind, build = kinds[type(receiver)]
    return kind, build(receiver)


def inbox(site: Site, *, send_resolved: bool) -> dict[str, Any]:
    """The on-call inbox as a webhook."""
    return {
        "url": site.local_url(site.ports.inbox) + "/api/alerts",
        "send_resolved": send_resolved,
        "http_config": _bearer(INBOX_TOKEN),
    }


def deadman(given: DeadMan, version: Version) -> tuple[str, dict[str, Any]] | None:
    """Who outside hears the Watchdog, in the same form as `configuration`; None where nobody does.

    healthchecks.io takes any POST for a sign of life. Before 0.26 a webhook has its URL from no file; a Slack receiver has,
    posts JSON too, and unlike a webhook of that age never writes the URL into Alertmanager's log.
    """
    if given.url:
        return "webhook_configs", {"url": given.url, "send_resolved": False}
    if not given.url_file:
        return None
    if version < FILES_FOR_ALL:
        return "slack_configs", {"api_url_file": given.url_file, "send_resolved": False, "title": "Watchdog", "text": "alive"}
    return "webhook_configs", {"url_file": given.url_file, "send_resolved": False}


def _bearer(file: str) -> dict[str, Any]:
    return {"authorization": {"type": "Bearer", "credentials_file": file}}


def _webhook(receiver: Webhook) -> dict[str, Any]:
    where = {"url": receiver.url} if receiver.url else {"url_file": receiver.url_file}
    config: dict[str, Any] = {**where, "send_resolved": True}
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
        "headers": {"Subject": _FIRST},
        "text": '{{ template "watchfloor.text" . }}',
        "html": '{{ template "watchfloor.html" . }}',
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
        "color": _COLOUR,
        "username": "Watchfloor",
        "title": '{{ template "watchfloor.slack.first" . }}',
        "title_link": '{{ template "watchfloor.inbox" . }}',
        "fallback": '{{ template "watchfloor.slack.first" . }}',
        "pretext": "",
        "text": '{{ template "watchfloor.slack.text" . }}',
        "footer": "",
        # No field of ours is mrkdwn, so that a label's stars and backquotes stay what they are.
        "mrkdwn_in": ["pretext"],
        "actions": [
            {"type": "button", "text": text, "url": f'{{{{ template "watchfloor.first.{link}" . }}}}'} for text, link in _LINKS
        ],
    }
    if receiver.channel:
        config["channel"] = receiver.channel
    return config


def _pagerduty(receiver: PagerDuty) -> dict[str, Any]:
    details = ("value", "threshold", "since", "impact", "steps")
    config: dict[str, Any] = {
        "routing_key_file": receiver.routing_key_file,
        "send_resolved": True,
        "description": _FIRST,
        "severity": '{{ if match "^(critical|warning|info)$" .CommonLabels.severity }}{{ .CommonLabels.severity }}'
        "{{ else }}warning{{ end }}",
        "client": "Watchfloor",
        "client_url": '{{ template "watchfloor.inbox" . }}',
        "class": "{{ .CommonLabels.alertname }}",
        "component": "{{ .CommonLabels.job }}",
        "group": "{{ .CommonLabels.cluster }}",
        "details": {name: f'{{{{ template "watchfloor.first.{name}" . }}}}' for name in details}
        | {"firing": '{{ template "watchfloor.text" . }}', "resolved": "{{ .Alerts.Resolved | len }}"},
        "links": [{"text": text, "href": f'{{{{ template "watchfloor.first.{link}" . }}}}'} for text, link in _LINKS],
    }
    if receiver.url:
        config["url"] = receiver.url
    return config


def _telegram(receiver: Telegram) -> dict[str, Any]:
    config: dict[str, Any] = {
        "bot_token_file": receiver.bot_token_file,
        "chat_id": receiver.chat_id,
        "send_resolved": True,
        "message": '{{ template "watchfloor.text" . }}',
        "parse_mode": "",  # plain text: a label's markup stays what it is
    }
    if receiver.api_url:
        config["api_url"] = receiver.api_url
    return config


def _teams(receiver: Teams) -> dict[str, Any]:
    return {
        "webhook_url_file": receiver.url_file,
        "send_resolved": True,
        "title": '{{ template "watchfloor.teams.first" . }}',
        "text": '{{ template "watchfloor.teams.text" . }}',
    }
