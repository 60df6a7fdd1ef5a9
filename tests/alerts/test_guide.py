"""The examples of docs/guides/alerting.md are what notifications say: filled in by amtool, from the template that is sent."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from alerts.model import site_alerts
from alerts.render import notes
from settings import Site
from settings.paths import CLONE

GUIDE = CLONE / "docs" / "guides" / "alerting.md"
TEMPLATES = CLONE / "alerts" / "rendered" / "alertmanager" / "notifications.tmpl"
LABELS = {"instance": "host-1", "job": "stream", "cluster": "watchfloor"}


def data(*, status: str) -> dict[str, Any]:
    """TargetDown of the stream, as Alertmanager hands it to a template."""
    alert = next(one for one in site_alerts(Site()) if one.name == "TargetDown")
    labels = LABELS | {"alertname": "TargetDown", "severity": "critical", "signal": "stack.target_up"}
    texts = notes(alert, Site())
    for name, value in LABELS.items():
        texts = {key: text.replace(f"{{{{ $labels.{name} }}}}", value) for key, text in texts.items()}
    texts["dashboard_url"] = texts["dashboard_url"].replace("{{ urlquery $labels.instance }}", "host-1")
    one = {
        "status": status, "labels": labels, "annotations": texts, "startsAt": "2026-11-29T03:12:10Z", "generatorURL": "",
        "endsAt": "2026-11-29T03:19:40Z" if status == "resolved" else "0001-01-01T00:00:00Z", "fingerprint": "1",
    }  # fmt: skip
    return {
        "receiver": "mail", "status": status, "alerts": [one], "groupLabels": {}, "commonLabels": labels,
        "commonAnnotations": texts, "externalURL": "http://localhost:9093",
    }  # fmt: skip


def filled(folder: Path, name: str, status: str, kind: str = "text") -> str:
    file = folder / "data.json"
    file.write_text(json.dumps(data(status=status)))
    command = [
        "amtool", "template", "render", f"--template.glob={TEMPLATES}", f"--template.data={file}", f"--template.type={kind}",
        f'--template.text={{{{ template "{name}" . }}}}',
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    return done.stdout.strip()


@pytest.mark.parametrize(("name", "status"), [("watchfloor.text", "firing"), ("watchfloor.first", "resolved")])
def test_an_example_of_the_guide_is_what_is_sent(name: str, status: str, tmp_path: Path) -> None:
    assert f"```\n{filled(tmp_path, name, status)}\n```" in GUIDE.read_text(encoding="utf-8")
