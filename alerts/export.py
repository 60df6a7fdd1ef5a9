"""Rules and routes for a Prometheus and an Alertmanager that others run, as text; `make export` writes them.

Rules on the appliance's own plumbing (Prometheus, Alertmanager, inbox, preview, watchers) stay behind. The routes are a subtree
for Watchfloor's alerts alone, which all carry the label `signal`: nothing of what else runs there is routed or muted by it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import yaml

from alerts import render
from alerts.model import Alert, jobs, naming, site_alerts
from metrics import catalog, stack
from metrics.query import Selector
from settings import Site

OURS = 'signal =~ ".+"'
NAME = "watchfloor"  # of the receiver that people fill in; the others begin with it
# Whose figures a domain's rules read; where that job is not, they would be dead. The others' are everywhere.
JOB_OF = {
    "system": stack.JOB_SYSTEM, "postgres": stack.JOB_POSTGRES, "redis": stack.JOB_REDIS, "probe": stack.JOB_PROBE,
    "websocket": stack.JOB_STREAM, "feed": stack.JOB_STREAM, "bus": stack.JOB_STREAM, "app": stack.JOB_STREAM,
    "cache": stack.JOB_STREAM, "slo": stack.JOB_STREAM, "database": stack.JOB_STORE, "analysis": stack.JOB_ANALYSIS,
    "model_quality": stack.JOB_MODEL_QUALITY,
}  # fmt: skip
EVERYWHERE = frozenset({"stack", "process", "prometheus"})
_HEAD = """\
# Watchfloor's routes, by `make export`: what stands here belongs into your alertmanager.yml, notifications.tmpl beside it.
# Fill the receivers `watchfloor` (critical and warning) and `watchfloor-watchdog` (its silence is the alarm) with your own.
"""


def export(site: Site) -> dict[str, str]:
    """Every file's text, by its path below the output folder. Raises SettingsError as `render.render` does."""
    made = render.render(site)  # checks the site's overrides, too
    there = {f"rules/{domain}.yml" for domain in EVERYWHERE} | {
        f"rules/{domain}.yml" for domain, job in JOB_OF.items() if job in jobs(site)
    }
    rules = render.rules(_alerts(site), site)
    files = {f"prometheus/{_prefixed(name)}": text for name, text in rules.items() if name in there}
    routes = yaml.safe_dump(_subtree(yaml.safe_load(made["alertmanager/alertmanager.yml"])), sort_keys=False, allow_unicode=True)
    notes = "alertmanager/notifications.tmpl"
    return files | {"alertmanager/watchfloor.yml": _HEAD + routes, notes: made[notes]}


def _prefixed(name: str) -> str:
    """`rules/system.yml` beside the rules of others."""
    return name.replace("/", f"/{NAME}-")


def _alerts(site: Site) -> tuple[Alert, ...]:
    elsewhere = tuple(job for job in jobs(site) if job not in stack.PLUMBING_JOBS)
    named = (_of_our_targets(naming(alert, elsewhere), elsewhere) for alert in site_alerts(site))
    return tuple(alert for alert in named if not _of_plumbing(alert))


def _of_our_targets(alert: Alert, wanted: tuple[str, ...]) -> Alert:
    """The alert; one on every target there is speaks of these jobs' alone."""
    expr = alert.signal.expr
    if alert.entry.signal != "stack.target_up" or not isinstance(expr, Selector):
        return alert
    return replace(alert, signal=replace(alert.signal, expr=expr.where(job="=~" + "|".join(wanted))))


def _of_plumbing(alert: Alert) -> bool:
    return any(name.startswith(stack.PLUMBING_FAMILIES) for name in catalog.read_by(alert.promql))


def _subtree(config: dict[str, Any]) -> dict[str, Any]:
    """The appliance's own configuration as one route of another's."""
    own = config["route"]
    route = own | {"matchers": [OURS], "receiver": _receiver(own["receiver"])}
    route["routes"] = [child | {"receiver": _receiver(child["receiver"])} for child in own["routes"]]
    times = {"time_intervals": config["time_intervals"]} if "time_intervals" in config else {}
    return {
        "templates": config["templates"],
        **times,
        "route": {"receiver": "yours", "routes": [route]},
        "inhibit_rules": [_confined(rule) for rule in config["inhibit_rules"]],
        "receivers": [{"name": "yours"}, *map(_emptied, config["receivers"])],
    }


def _receiver(name: str) -> str:
    return NAME if name == "inbox" else f"{NAME}-{name}"


def _emptied(receiver: dict[str, Any]) -> dict[str, Any]:
    """A receiver under its new name; the appliance's inbox is not there, so who takes its place is left to people."""
    kept = {} if receiver["name"] in ("inbox", "watchdog") else receiver
    return kept | {"name": _receiver(receiver["name"])}


def _confined(rule: dict[str, Any]) -> dict[str, Any]:
    """A rule that mutes nothing of others: labels that both sides lack count as equal."""
    return rule | {side: [*rule[side], OURS] for side in ("source_matchers", "target_matchers")}
