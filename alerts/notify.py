"""A test notification through the real Alertmanager to one receiver, and whether it was delivered.

Alertmanager counts by kind of receiver, not by receiver. So a delivery is proven when every notification of that kind that
was begun since has ended well; a failure stands in Alertmanager's log, with the receiver's name.
"""

from __future__ import annotations

import difflib
import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from alerts import receivers
from alerts.alertmanager import Alertmanager
from alerts.routes import TEST_LABEL
from settings import Paths, SettingsError, Site
from settings.secrets import secret_files

NAME = "NotifyTest"
PATIENCE = 15.0  # seconds; Alertmanager gives one notification 10
_SETTLE = 0.5  # seconds in which it surely begins
_EVERY = 0.1
_ERROR = re.compile(r'err="((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True)
class Outcome:
    """What became of a test: whether it was delivered, by which integration, in how many seconds, and why not."""

    delivered: bool
    integration: str
    seconds: float
    why: str = ""


def integration(site: Site, name: str) -> str:
    """Alertmanager's word for the kind of that receiver: `email`, `webhook`. Raises SettingsError for an unknown name."""
    names = ["inbox", *(receiver.name for receiver in site.receivers)]
    if name not in names:
        close = difflib.get_close_matches(name, names, 1)
        fix = f"did you mean {close[0]!r}? " if close else ""
        raise SettingsError(f"r={name}", "no such receiver", f"{fix}receivers are {', '.join(names)}")
    found = next((receiver for receiver in site.receivers if receiver.name == name), None)
    return receivers.configuration(found)[0].removesuffix("_configs") if found else "webhook"


def test(site: Site, paths: Paths, name: str) -> Outcome:
    """Sends, waits, tells. Raises SettingsError for an unknown receiver, UnreachableError without an Alertmanager."""
    kind, server, log = integration(site, name), Alertmanager(site, paths), paths.logs / "alertmanager.log"
    offset = log.stat().st_size if log.exists() else 0
    begun, succeeded = server.counts(kind)
    alert = _alert(site, name)
    start = time.monotonic()
    server.post([alert])
    late = f"nothing heard of it within {PATIENCE:g} s, or site.yaml was changed after the last `make reload`"
    outcome = Outcome(delivered=False, integration=kind, seconds=PATIENCE, why=late)
    while (passed := time.monotonic() - start) < PATIENCE:
        if why := _failure(log, offset, name):
            outcome = Outcome(delivered=False, integration=kind, seconds=passed, why=_without_secrets(why, site))
            break
        since, well = (now - then for now, then in zip(server.counts(kind), (begun, succeeded), strict=True))
        if passed > _SETTLE and since and well >= since:
            outcome = Outcome(delivered=True, integration=kind, seconds=passed)
            break
        time.sleep(_EVERY)
    server.post([alert | {"endsAt": datetime.now(UTC).isoformat()}])
    return outcome


def _alert(site: Site, name: str) -> dict[str, Any]:
    now = datetime.now(UTC)
    labels = {
        "alertname": NAME,
        "severity": "info",
        TEST_LABEL: name,
        "instance": site.instance_name,
        "cluster": site.cluster,
        "sent": now.isoformat(timespec="milliseconds"),
    }
    inbox = site.public(site.ports.inbox)
    notes = {
        "summary": f"Test notification from {site.instance_name}",
        "description": f"Somebody ran `make notify-test r={name}` to see whether notifications arrive here",
        "impact": "Nothing is wrong.",
        "steps": "1. Nothing is to be done.",
        "runbook_url": f"{inbox}/runbooks",
    }
    end = (now + timedelta(minutes=1)).isoformat()
    return {"labels": labels, "annotations": notes, "startsAt": now.isoformat(), "endsAt": end}


def _failure(log: Path, offset: int, name: str) -> str:
    """What Alertmanager has written of a failure of that receiver since; empty when nothing."""
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(offset if log.stat().st_size >= offset else 0)  # a rotated log begins again
        lines = file.read().decode("utf-8", "replace").splitlines()
    ours = re.compile(rf'receiver="?{re.escape(name)}"? |err="{re.escape(name)}/')
    found = next((line for line in lines if "otify" in line and ours.search(line)), "")
    error = _ERROR.search(found)
    return error[1].replace('\\"', '"') if error else found


def _without_secrets(text: str, site: Site) -> str:
    """The text, with every secret that the site names in a file left out: what a library quotes is not ours to choose."""
    for _, path in secret_files(site):
        try:
            secret = path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            continue
        text = text.replace(secret, "…") if secret else text
    return text
