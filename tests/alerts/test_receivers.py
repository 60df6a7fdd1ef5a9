"""What reaches people, by every way that this machine's Alertmanager has: real servers take it, and it is read as they would."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from alerts import render, versions
from alerts.model import site_alerts
from settings import SettingsError, Site, parse
from tests.alerts.notified import Alertmanager, Listener, Mailbox, alert, listening, mailing, part, running
from tests.waiting import until

HOSTILE = "<img src=x onerror=alert(1)> <!channel> *bold* `code` [a](http://evil) & {{ .Status }} \"quoted\" 'too'"
NOTES = {
    "summary": "stream down on host-1",
    "description": "Prometheus has had no answer from stream on host-1 for 1 minute",
    "impact": "Clients are disconnected; they come back by themselves.",
    "value": "0.5/s",
    "threshold": "above 0.1/s",
    "after": "1 minute",
    "steps": "1. Look.\n2. Think.\n3. Act.",
    "runbook_url": "http://localhost:9095/runbooks/StreamDown",
    "dashboard_url": "http://localhost:3000/d/watchfloor-stream?var-instance=host-1&from=now-1h&to=now",
}
DASH = "\N{EN DASH}"
FIRST = f"CRITICAL stream down on host-1 (over 1 min) {DASH} Clients are disconnected"


@dataclass
class World:
    alertmanager: Alertmanager
    listener: Listener
    mailbox: Mailbox

    def mail(self, word: str) -> Any:
        return until(f"a mail about {word}", lambda: self.mailbox.about(word))[0]

    def posted(self, path: str, word: str) -> dict[str, Any]:
        return until(f"{word} at {path}", lambda: self.listener.of(path, word))[0]


def site_text(listener: Listener, smtp: int, folder: Path) -> str:
    for name, text in (("slack", listener.url("/slack")), ("pager", "key-of-a-test"), ("outside", listener.url("/outside"))):
        (folder / name).write_text(text + "\n")
    text = f"""
        cluster: c
        profile: {{factor: 0.001}}
        ports: {{inbox: {listener.port}}}
        deadman: {{url_file: {folder}/outside}}
        mute_times: [{{name: always}}]
        receivers:
        - {{type: webhook, name: chat, url: "{listener.url("/chat")}"}}
        - {{type: webhook, name: asleep, url: "{listener.url("/asleep")}", mute: [always]}}
        - {{type: webhook, name: deaf, url: "{listener.url("/deaf")}"}}
        - {{type: slack, name: channel, url_file: {folder}/slack, channel: "#ops"}}
        - {{type: email, name: mail, to: a@example.org, from: b@example.org, smarthost: "127.0.0.1:{smtp}", require_tls: false}}
        - {{type: pagerduty, name: pager, routing_key_file: {folder}/pager, url: "{listener.url("/pager")}"}}
    """
    if versions.installed() >= versions.TEAMS:
        (folder / "teams").write_text(listener.url("/teams"))
        (folder / "bot").write_text("1:token")
        text += f"""
        - {{type: teams, name: teams, url_file: {folder}/teams}}
        - {{type: telegram, name: telegram, bot_token_file: {folder}/bot, chat_id: 1, api_url: "{listener.url("")}"}}
        """
    return text


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One Alertmanager for this file; each test's alerts have names of their own."""
    folder = tmp_path_factory.mktemp("receivers")
    with listening() as listener, mailing() as (box, smtp):
        listener.answers["/deaf"] = 400
        with running(folder, site_text(listener, smtp, folder)) as alertmanager:
            yield World(alertmanager, listener, box)


class Tags(HTMLParser):
    """The tags of a page, and its text as a reader sees it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value or "" for name, value in attrs if name == "href"]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_a_mail_says_what_where_and_what_to_do(world: World) -> None:
    world.alertmanager.post(alert("StreamDown", job="stream", annotations=NOTES))
    mail = world.mail("stream down")
    assert mail["Subject"] == FIRST
    text = part(mail, "plain")
    assert text.splitlines()[0] == FIRST
    for words in (
        "Impact: Clients are disconnected; they come back by themselves.", "Value: 0.5/s (fires above 0.1/s)",
        "bad for 1 minute by then", "Do first:\n1. Look.\n2. Think.\n3. Act.", f"What to do: {NOTES['runbook_url']}",
        f"http://localhost:{world.listener.port}/silence?alertname=StreamDown&instance=host-1&job=stream",
    ):  # fmt: skip
        assert words in text
    window = re.search(r"var-instance=host-1&from=(\d{13})&to=now", text)
    since = re.search(r"Since: (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC)", text)
    assert window
    assert since
    page = Tags(part(mail, "html"))
    assert NOTES["runbook_url"] in page.links
    assert "3. Act." in page.text


def test_a_resolution_says_how_long_it_lasted(world: World) -> None:
    firing = alert("Passing", annotations=NOTES | {"summary": "passing on host-1"})
    world.alertmanager.post(firing)
    world.mail("CRITICAL passing")
    world.alertmanager.post(firing | {"endsAt": alert("x", resolved=True)["endsAt"]})
    mail = world.mail("RESOLVED passing")
    assert re.fullmatch(r"RESOLVED passing on host-1 \(lasted [12]m\d+s\)", mail["Subject"])
    assert "Do first" not in part(mail, "plain")
    assert re.search(r"from=\d{13}&to=\d{13}", part(mail, "plain"))
    shown = world.posted("/slack", "RESOLVED passing")["attachments"][0]
    assert shown["color"] == "#009E73"
    assert [action["text"] for action in shown["actions"]] == ["What to do", "Dashboard", "Inbox"], "nothing is left to silence"
    assert "silence" not in shown["actions"][2]["url"]
    assert world.posted("/chat", '"status": "resolved"')["alerts"][0]["labels"]["alertname"] == "Passing"
    (event,) = until("PagerDuty is told", lambda: [e for e in world.listener.of("/pager") if e["event_action"] == "resolve"])[:1]
    assert event["routing_key"] == "key-of-a-test"


def test_slack_gets_the_first_line_the_text_and_three_buttons(world: World) -> None:
    world.alertmanager.post(alert("Slacked", annotations=NOTES | {"summary": "slacked on host-1"}))
    body = world.posted("/slack", "slacked on host-1")
    (shown,) = body["attachments"]
    assert body["channel"] == "#ops"
    assert shown["title"] == FIRST.replace("stream down", "slacked")
    assert "Do first:\n1. Look." in shown["text"]
    assert [action["text"] for action in shown["actions"]] == ["What to do", "Dashboard", "Silence"]
    assert all(action["url"].startswith("http://") for action in shown["actions"])


def test_pagerduty_gets_severity_links_and_details(world: World) -> None:
    world.alertmanager.post(alert("Paged", job="stream", annotations=NOTES | {"summary": "paged on host-1"}))
    event = world.posted("/pager", "paged on host-1")
    payload = event["payload"]
    assert payload["summary"].startswith("CRITICAL paged on host-1 (over 1 min)")
    assert (payload["severity"], payload["class"], payload["component"]) == ("critical", "Paged", "stream")
    assert payload["custom_details"]["steps"] == "1. Look.\n2. Think.\n3. Act."
    assert [link["text"] for link in event["links"]] == ["What to do", "Dashboard", "Silence"]


def test_hostile_values_are_text_everywhere(world: World) -> None:
    notes = NOTES | {"summary": f"hostile {HOSTILE}", "steps": HOSTILE, "dashboard_url": "javascript:alert(1)"}
    world.alertmanager.post(alert("Hostile", annotations=notes, instance=HOSTILE, job=HOSTILE))
    mail = world.mail("hostile")
    assert HOSTILE in mail["Subject"]
    page = Tags(part(mail, "html"))
    assert page.tags <= {"html", "head", "meta", "title", "body", "div", "h1", "h2", "p", "strong", "table", "tr", "td", "a"}
    assert HOSTILE in page.text
    assert [link for link in page.links if not link.startswith("http")] == ["#ZgotmplZ"]
    shown = world.posted("/slack", "hostile")["attachments"][0]
    said = shown["title"] + shown["text"] + shown["fallback"]
    assert "<" not in said
    assert "&lt;!channel&gt;" in said
    assert shown["mrkdwn_in"] == ["pretext"]
    assert "{{ .Status }}" in world.posted("/pager", "hostile")["payload"]["summary"]


def test_a_line_break_in_a_label_makes_no_header_of_a_mail(world: World) -> None:
    evil = "web\r\nBcc: thief@example.org\r\n\r\n<script>alert(1)</script>"
    world.alertmanager.post(alert("Broken", annotations=NOTES | {"summary": f"broken {evil}"}, instance=evil))
    mail = world.mail("broken")
    assert "Bcc" not in mail
    assert "thief@example.org" in mail["Subject"]
    assert "script" not in Tags(part(mail, "html")).tags


def test_an_alert_of_somebody_else_without_any_annotation_arrives_too(world: World) -> None:
    world.alertmanager.post(alert("Foreign", severity="warning", instance=""))
    assert world.mail("Foreign")["Subject"] == "WARNING Foreign"
    text = part(world.mail("Foreign"), "plain")
    assert f"What to do: http://localhost:{world.listener.port}/runbooks" in text
    assert "<no value>" not in text + part(world.mail("Foreign"), "html")


def test_many_of_one_name_are_one_notification(world: World) -> None:
    many = [alert("Flooded", instance=f"web-{n}", annotations=NOTES | {"summary": f"flooded on web-{n}"}) for n in range(30)]
    world.alertmanager.post(*many)

    def all_in_one() -> Any:
        return next((one for one in world.mailbox.about("flooded") if one["Subject"].endswith("[30 firing, 0 resolved]")), None)

    mail = until("one mail about all of them", all_in_one)
    assert "The first 10 of 30 alerts." in part(mail, "plain")
    # On a machine that is late the first may leave, after its few hundredths of a second, before all have come to Alertmanager.
    assert len(world.mailbox.about("flooded")) <= 2


def test_muted_hours_keep_warnings_back_and_let_pages_through(world: World) -> None:
    world.alertmanager.post(alert("Murmur", severity="warning"))
    world.posted("/chat", "Murmur")
    world.alertmanager.post(alert("Scream"))
    world.posted("/asleep", "Scream")
    assert world.listener.of("/asleep", "Murmur") == []
    world.posted("/api/alerts", "Murmur")


def test_the_watchdog_pings_who_listens_outside(world: World) -> None:
    world.alertmanager.post(alert("Watchdog", severity="info", instance=""))
    world.posted("/outside", "Watchdog")
    world.posted("/api/alerts", "Watchdog")
    assert world.listener.of("/chat", "Watchdog") == []


def test_a_receiver_that_refuses_is_told_of_by_every_other_way(world: World) -> None:
    world.alertmanager.post(alert("Unheard"))
    until("the refusal is counted", lambda: world.alertmanager.failures("webhook") >= 1)
    world.alertmanager.post(alert("NotificationsFailing", integration="webhook"))
    world.mail("NotificationsFailing")
    for path in ("/api/alerts", "/chat", "/slack", "/pager"):
        world.posted(path, "NotificationsFailing")


def test_nothing_secret_stands_in_the_log(world: World) -> None:
    """After a refusal, which is when Alertmanager would write an address."""
    world.listener.answers["/slack"] = 404
    world.alertmanager.post(alert("Leaking"))
    until("the refusal is logged", lambda: "channel/slack[0]" in world.alertmanager.log.read_text())
    del world.listener.answers["/slack"]
    log = world.alertmanager.log.read_text()
    assert world.listener.url("/slack") not in log
    assert "key-of-a-test" not in log


@pytest.mark.skipif(versions.installed() < versions.TEAMS, reason="Alertmanager before 0.28 has neither: refused by name, below")
def test_teams_and_telegram_get_text(world: World) -> None:
    world.alertmanager.post(alert("Everywhere", annotations=NOTES | {"summary": f"everywhere {HOSTILE}"}))
    card = world.posted("/teams", "everywhere")["attachments"][0]["content"]["body"]
    assert "\\[a\\]\\(http://evil\\)" in card[0]["text"]
    message = world.posted("/bot1:token/sendMessage", "everywhere")
    assert HOSTILE in message["text"]
    assert not message.get("parse_mode")


@pytest.mark.parametrize(
    ("receiver", "version", "words"),
    [
        ("{type: teams, name: x, url_file: /f}", (0, 25), "x: Alertmanager 0.25 cannot send to Teams"),
        ("{type: teams, name: x, url_file: /f}", (0, 27), "x: Alertmanager 0.27 cannot send to Teams"),
        ("{type: telegram, name: x, bot_token_file: /f, chat_id: 1}", (0, 25), "takes a bot's token from no file: run"),
        ("{type: webhook, name: x, url_file: /f}", (0, 25), "takes a webhook's URL from no file: give url"),
    ],
)  # fmt: skip
def test_what_a_version_cannot_do_is_refused_by_name(receiver: str, version: tuple[int, int], words: str) -> None:
    site = parse(f"receivers: [{receiver}]")
    with pytest.raises(SettingsError, match=re.escape(words)) as refused:
        render.render(site, version)
    assert "receivers[0]" in str(refused.value)
    assert render.render(site, versions.TEAMS)


def test_every_first_line_can_be_read_on_a_watch() -> None:
    """State, what and where come first, and fit; the harm may run into the next line. Label values have a dozen characters."""
    for one in site_alerts(Site()):
        notes = render.notes(one, Site())
        where = "" if re.search(r"\$labels\.(instance|slo)", one.entry.summary) else " on host-1"
        summary = re.sub(r"\{\{ \$value[^}]*\}\}", "14.4", notes["summary"])
        summary = re.sub(r"\{\{[^}]*\}\}", "a-usual-name", summary)
        harm = re.sub(r"(?s)(\.\s|[;:]).*|\.$", "", notes["impact"])
        lasting = " (over 10 min)" if "after" in notes else ""
        head = f"CRITICAL {summary}{where}{lasting}"
        assert len(head) <= 100, head
        assert len(f"{head} - {harm}") <= 140, f"{head} - {harm}"
