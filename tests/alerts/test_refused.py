"""A receiver that refuses: the rendered rule sees it on a real Alertmanager, and the page goes out by every other way."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from metrics import stack
from tests.alerts.notified import Alertmanager, alert, listening, mailing, part, running
from tests.waiting import free_ports, until

FACTOR = 0.02  # windows of 5 min are 6 s


@contextmanager
def judged(folder: Path, alertmanager: Alertmanager) -> Iterator[None]:
    """A Prometheus that scrapes that Alertmanager, evaluates the rendered rule on it, and sends it what fires."""
    address = alertmanager.url.removeprefix("http://")
    labels = {"cluster": "c", "instance": "host-1"}
    rules = folder / "rules.yml"
    rendered = yaml.safe_load((folder / "rendered" / "rules" / "stack.yml").read_text())["groups"]
    # This one alone: of what else stands there, nothing is running here.
    found = [rule for group in rendered for rule in group["rules"] if rule.get("alert") == "NotificationsFailing"]
    assert len(found) == 1
    rules.write_text(yaml.safe_dump({"groups": [{"name": "stack", "interval": "200ms", "rules": found}]}))
    config: dict[str, Any] = {
        "global": {"scrape_interval": "200ms", "scrape_timeout": "200ms", "evaluation_interval": "200ms"},
        "rule_files": [str(rules)],
        "scrape_configs": [
            {"job_name": stack.JOB_ALERTMANAGER, "static_configs": [{"targets": [address], "labels": labels}]},
        ],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [address]}]}]},
    }
    (folder / "prometheus.yml").write_text(json.dumps(config))
    command = [
        "prometheus", f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{free_ports(1)[0]}", "--rules.alert.resend-delay=500ms", "--log.level=warn",
    ]  # fmt: skip
    with (folder / "prometheus.log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
        try:
            yield
        finally:
            process.terminate()
            process.wait(20)


def test_mail_that_is_refused_is_told_by_every_other_way(tmp_path: Path) -> None:
    with listening() as listener, mailing() as (box, smtp):
        box.refuses = True
        text = f"""
            cluster: c
            profile: {{factor: {FACTOR}}}
            ports: {{inbox: {listener.port}}}
            receivers:
            - {{type: webhook, name: chat, url: "{listener.url("/chat")}"}}
            - {{type: email, name: mail, to: a@b.org, from: c@b.org, smarthost: "127.0.0.1:{smtp}", require_tls: false}}
        """
        with running(tmp_path, text) as alertmanager, judged(tmp_path, alertmanager):
            alertmanager.post(alert("Unheard"))
            for path in ("/chat", "/api/alerts"):
                heard = partial(listener.of, path, "NotificationsFailing")
                told = until(f"NotificationsFailing at {path}", heard, 60)[0]
                (failing,) = told["alerts"]
                assert (failing["labels"]["integration"], failing["status"]) == ("email", "firing")
            assert box.mails == []
            box.refuses = False
            mail = until("mail goes out again", lambda: box.about("Notifications by email fail"), 60)[0]
            assert "email" in part(mail, "plain")
