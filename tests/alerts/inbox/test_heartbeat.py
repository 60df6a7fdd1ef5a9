"""The dead-man switch, with a faster clock: 3 min become 1.8 s, or 9 where it must be seen alive on a busy machine, too."""

from collections.abc import Callable

from tests.alerts.inbox.service import Inbox, alert, delivery, site_yaml, watchdog
from tests.waiting import until

MakeInbox = Callable[..., Inbox]
ALIVE, AGE = "watchfloor_watchdog_alive", "watchfloor_watchdog_age_seconds"


def test_alive_dead_alive(make_inbox: MakeInbox) -> None:
    inbox = make_inbox(site_yaml(factor=0.05))
    assert (inbox.metric(ALIVE), inbox.metric(AGE)) == (1, None)
    assert "Waiting for the first Watchdog" in inbox.get("/").text
    assert inbox.post(watchdog()).json == {"new": 0, "duplicates": 0, "watchdog": True}
    assert "No alert is firing" in inbox.get("/").text
    assert inbox.incidents() == []
    until("silence is noticed", lambda: inbox.metric(ALIVE) == 0)
    page = inbox.get("/").text
    assert "Alerting is broken" in page
    assert "no Watchdog since" in page
    assert (inbox.metric(AGE) or 0) > 9
    inbox.post(watchdog())
    assert inbox.metric(ALIVE) == 1
    assert "Alerting is broken" not in inbox.get("/").text


def test_without_a_first_one_it_is_dead_after_the_grace(make_inbox: MakeInbox) -> None:
    inbox = make_inbox(site_yaml(factor=0.01))
    until("the grace is over", lambda: inbox.metric(ALIVE) == 0)
    assert "no Watchdog has arrived since the inbox started" in inbox.get("/").text


def test_the_state_survives_a_restart(make_inbox: MakeInbox) -> None:
    inbox = make_inbox(site_yaml(factor=0.01))
    inbox.post(watchdog())
    until("it is dead", lambda: inbox.metric(ALIVE) == 0)
    inbox.stop()
    inbox.start()
    assert inbox.metric(ALIVE) == 0
    assert "no Watchdog since" in inbox.get("/").text


def test_its_resolution_is_no_heartbeat(make_inbox: MakeInbox) -> None:
    inbox = make_inbox()
    assert inbox.post(delivery(alert("Watchdog", "resolved"))).json["watchdog"] is False
    assert inbox.metric(AGE) is None


def test_a_broken_alerting_comes_before_open_alerts(make_inbox: MakeInbox) -> None:
    inbox = make_inbox(site_yaml(factor=0.01))
    inbox.post(delivery(alert()))
    until("it is dead", lambda: inbox.metric(ALIVE) == 0)
    page = inbox.get("/").text
    assert '<h1 class="state critical">Alerting is broken</h1>' in page
    assert page.index("no Watchdog") < page.index("High CPU Usage")
