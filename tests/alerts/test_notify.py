"""`make notify-test`: delivered, or not and why, by the real Alertmanager; nobody else is bothered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from alerts import notify
from alerts.alertmanager import UnreachableError
from alerts.cli import main
from settings import Paths, SettingsError, Site, parse
from tests.alerts.notified import Alertmanager, Listener, Mailbox, alert, listening, mailing, running
from tests.waiting import free_ports, until


@dataclass
class World:
    site: Site
    paths: Paths
    alertmanager: Alertmanager
    listener: Listener
    mailbox: Mailbox


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("notify")
    (folder / "gone").write_text(f"http://127.0.0.1:{free_ports(1)[0]}/secret-part")
    (folder / "gone").chmod(0o600)
    with listening() as listener, mailing() as (box, smtp):
        listener.answers["/deaf"] = 403
        text = f"""
            profile: {{factor: 0.001}}
            ports: {{inbox: {listener.port}}}
            receivers:
            - {{type: webhook, name: chat, url: "{listener.url("/chat")}"}}
            - {{type: webhook, name: deaf, url: "{listener.url("/deaf")}"}}
            - {{type: slack, name: gone, url_file: {folder}/gone}}
            - {{type: email, name: mail, to: a@b.org, from: c@b.org, smarthost: "127.0.0.1:{smtp}", require_tls: false}}
        """
        with running(folder, text) as alertmanager:
            (folder / "log").rename(folder / "alertmanager.log")  # the process keeps writing to it
            (folder / "log").mkdir()
            (folder / "log" / "alertmanager.log").symlink_to(folder / "alertmanager.log")
            site = parse(text + f"\n            endpoints: {{alertmanager: '{alertmanager.url}'}}\n")
            yield World(site, Paths(folder), alertmanager, listener, box)


def test_it_says_that_it_was_delivered_and_bothers_nobody_else(world: World) -> None:
    outcome = notify.test(world.site, world.paths, "mail")
    assert outcome.delivered, outcome
    assert outcome.integration == "email"
    subject = world.mailbox.mails[0]["Subject"]
    assert subject.startswith("INFO Test notification from ")
    assert subject.endswith("Nothing is wrong")
    assert world.listener.of("/chat") == []
    until("it is over", lambda: world.mailbox.about("RESOLVED Test"))


@pytest.mark.parametrize("name", ["chat", "inbox"])
def test_one_webhook_of_several(name: str, world: World) -> None:
    assert notify.test(world.site, world.paths, name).delivered
    assert world.listener.of("/chat" if name == "chat" else "/api/alerts", notify.NAME)


def test_it_says_who_refused_and_how(world: World) -> None:
    outcome = notify.test(world.site, world.paths, "deaf")
    assert not outcome.delivered
    assert "403" in outcome.why


def test_a_delivery_by_another_receiver_of_that_kind_proves_nothing(world: World) -> None:
    world.alertmanager.post(alert("Beside"))
    outcome = notify.test(world.site, world.paths, "deaf")
    assert not outcome.delivered


def test_the_reason_holds_no_secret(world: World) -> None:
    outcome = notify.test(world.site, world.paths, "gone")
    assert not outcome.delivered
    assert "refused" in outcome.why
    assert "secret-part" not in outcome.why


def test_an_unknown_name_is_told_with_those_that_there_are(world: World) -> None:
    with pytest.raises(SettingsError, match=r"r=chta: no such receiver: did you mean 'chat'\? receivers are inbox, chat, deaf"):
        notify.test(world.site, world.paths, "chta")


def test_without_an_alertmanager_it_says_so(tmp_path: Path) -> None:
    site = parse(f"endpoints: {{alertmanager: 'http://127.0.0.1:{free_ports(1)[0]}'}}")
    with pytest.raises(UnreachableError, match="cannot be reached"):
        notify.test(site, Paths(tmp_path), "inbox")


def test_the_command_tells_a_wrong_name_in_one_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHFLOOR_SITE", str(Path(__file__).parents[2] / "site.example.yaml"))
    assert main(["notify-test", "nobody-there"]) == 2
    assert capsys.readouterr().err == "r=nobody-there: no such receiver: receivers are inbox\n"
