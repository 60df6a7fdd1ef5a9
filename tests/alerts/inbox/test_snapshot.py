"""An incident's dashboard as one file, from a real Prometheus; and what is told where there is none."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from alerts.inbox.snapshot import asked
from tests.alerts.inbox.service import Inbox, Server, alert, delivery, site_yaml
from tests.waiting import free_ports

BOARD = "http://localhost:3000/d/watchfloor-appliance?var-instance=host-1&from=now-1h&to=now"


def with_dashboard(inbox: Inbox, url: str) -> int:
    """The number of an incident whose alert names that dashboard."""
    told = alert("TargetDown")
    told["annotations"] = told["annotations"] | {"dashboard_url": url}
    assert inbox.post(delivery(told)).status == 200
    return int(inbox.incidents()[0]["id"])


def test_it_is_one_file_of_the_dashboard_around_the_incident(
    make_inbox: Callable[..., Inbox], make_server: Callable[..., Server]
) -> None:
    server = make_server("prometheus", "http://127.0.0.1:9", [])
    inbox = make_inbox(site_yaml(prometheus=server.url), own_process=True)
    answer = inbox.get(f"/incidents/{with_dashboard(inbox, BOARD)}/snapshot")
    assert answer.status == 200, answer.text
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="TargetDown-')
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.text.startswith("<!doctype html>")
    assert "The Appliance Itself" in answer.text
    assert "Content-Security-Policy" in answer.text


def test_without_prometheus_it_says_so(make_inbox: Callable[..., Inbox]) -> None:
    (port,) = free_ports(1)
    inbox = make_inbox(site_yaml(prometheus=f"http://127.0.0.1:{port}"), own_process=True)
    answer = inbox.get(f"/incidents/{with_dashboard(inbox, BOARD)}/snapshot")
    assert answer.status == 502
    assert "no snapshot: " in answer.text


@pytest.mark.parametrize("url", ["", "http://localhost:3000/somewhere", "http://localhost:3000/d/../x"])
def test_who_names_no_dashboard_has_none(inbox: Inbox, url: str) -> None:
    assert inbox.get(f"/incidents/{with_dashboard(inbox, url)}/snapshot").status == 404
    assert inbox.get("/incidents/999/snapshot").status == 404


def test_what_an_alert_says_is_no_option_of_the_command() -> None:
    url = "http://localhost/d/board?from=--out=/etc/passwd&to=-h&var-x=--dashboard=y&out=/tmp/x"
    assert asked(url) == ["--dashboard=board", "--from=--out=/etc/passwd", "--to=-h", "--var=x=--dashboard=y"]
    assert asked("http://localhost/d/--out=x/") == []
