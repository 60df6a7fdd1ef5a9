"""What a person does on the page and a program by the API; and what strangers' pages cannot."""

from collections.abc import Callable

import pytest

from alerts.inbox.guard import same_origin
from tests.alerts.inbox.service import Inbox, alert, ask, delivery

MakeInbox = Callable[..., Inbox]


def test_acknowledged_by_form(inbox: Inbox) -> None:
    inbox.post(delivery(alert()))
    answer = inbox.form("/incidents/1/acknowledge", by=" Ada <b> ", comment="on it")
    assert (answer.status, answer.headers["Location"]) == (303, "../../#incident-1")
    assert "SameSite=Strict" in answer.headers["Set-Cookie"]
    assert "HttpOnly" in answer.headers["Set-Cookie"]
    (incident,) = inbox.incidents("?state=acknowledged")
    assert incident["acknowledged_by"] == "Ada <b>"
    assert inbox.timeline(1)[-1] == "acknowledged"
    assert inbox.metric("watchfloor_inbox_unacknowledged_alerts") == 0
    assert inbox.metric('watchfloor_inbox_open_alerts{severity="warning"}') == 1
    page = inbox.get("/").text
    assert "1 warning alert, all acknowledged" in page
    assert "Ada &lt;b&gt;: on it" in page


def test_acknowledged_by_program(inbox: Inbox) -> None:
    inbox.post(delivery(alert()))
    answer = inbox.call("POST", "/api/incidents/1/acknowledge", {"by": "Ada"})
    assert (answer.status, answer.json["state"], answer.json["acknowledged_by"]) == (200, "acknowledged", "Ada")
    again = inbox.call("POST", "/api/incidents/1/acknowledge", {"by": "Bob"})
    assert (again.status, again.json["detail"]) == (409, "the incident is acknowledged already")
    inbox.post(delivery(alert(status="resolved")))
    assert inbox.call("POST", "/api/incidents/1/acknowledge", {"by": "Bob"}).status == 409
    assert inbox.call("POST", "/api/incidents/77/acknowledge", {"by": "Bob"}).status == 404
    assert inbox.get("/api/incidents/77").status == 404


def test_a_wrong_acknowledgement_is_refused(inbox: Inbox) -> None:
    inbox.post(delivery(alert()))
    long = {"by": "Ada", "comment": "x" * 1001}
    bodies: list[object] = [None, [], {"by": 5}, {}, {"by": "  "}, {"by": "x" * 101}, long]
    for body in bodies:
        answer = inbox.call("POST", "/api/incidents/1/acknowledge", body)
        assert (answer.status, answer.headers["Content-Type"]) == (400, "application/problem+json; charset=utf-8"), body
    assert inbox.incidents()[0]["state"] == "open"


def test_another_sites_page_changes_nothing(inbox: Inbox) -> None:
    inbox.post(delivery(alert()))
    for name, value in (
        ("Origin", "https://evil.example"),
        ("Origin", "null"),
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
    ):
        answer = inbox.call("POST", "/api/incidents/1/acknowledge", {"by": "Eve"}, **{name: value})
        assert answer.status == 403, value
    assert inbox.incidents()[0]["state"] == "open"


def test_without_token_or_header_nothing_changes(inbox: Inbox) -> None:
    inbox.post(delivery(alert()))
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for body in (b"by=Eve", b"by=Eve&token=guess", b"by=Eve&token="):
        answer = ask(f"{inbox.url}/incidents/1/acknowledge", "POST", body, form)
        assert answer.status == 403
        assert "load the page again" in answer.text
    assert ask(f"{inbox.url}/api/incidents/1/acknowledge", "POST", b'{"by": "Eve"}').status == 403
    assert inbox.incidents()[0]["state"] == "open"


def test_a_foreign_name_for_this_machine_sees_nothing(inbox: Inbox) -> None:
    """A stranger's name that points here would make his page one of our origin."""
    for path in ("/", "/api/notifications", "/api/stream", "/runbooks"):
        assert inbox.get(path, Host="evil.example").status == 421
    assert inbox.get("/metrics", Host="inbox.monitoring.svc:9095").status == 200


@pytest.mark.parametrize(
    ("headers", "same"),
    [
        ({"Host": "a:1"}, True),
        ({"Host": "a:1", "Origin": "http://a:1"}, True),
        ({"Host": "a:1", "Origin": "http://a:1", "Sec-Fetch-Site": "same-origin"}, True),
        ({"Host": "a:1", "Origin": "http://a:2"}, False),
        ({"Host": "a:1", "Origin": "http://b"}, False),
        ({"Host": "a:1", "Origin": "http://a:1", "Sec-Fetch-Site": "same-site"}, False),
    ],
)
def test_origins(headers: dict[str, str], same: object) -> None:
    assert same_origin(headers) is same


def test_every_answer_carries_the_policy(inbox: Inbox) -> None:
    for path in ("/", "/runbooks", "/nowhere", "/api/incidents", "/api/incidents/9", "/assets/inbox.js", "/metrics"):
        headers = inbox.get(path).headers
        assert headers["Content-Security-Policy"].startswith("default-src 'none'"), path
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"


def test_pages_carry_nothing_inline_and_nothing_from_outside(inbox: Inbox) -> None:
    inbox.post(delivery(alert()))
    for path in ("/", "/runbooks", "/nowhere"):
        page = inbox.get(path).text
        assert "style=" not in page
        assert "<style" not in page
        assert " onclick" not in page
        assert 'src="http' not in page
        assert '<link rel="stylesheet" href="http' not in page


def test_assets_are_ours_alone(inbox: Inbox) -> None:
    for name, kind in (
        ("base.css", "text/css"),
        ("inbox.css", "text/css"),
        ("inbox.js", "text/javascript"),
        ("icon.svg", "image/svg+xml"),
    ):
        assert inbox.get(f"/assets/{name}").headers["Content-Type"].startswith(kind)
    for path in ("/assets/other.css", "/assets/../__main__.py", "/assets/..%2f__main__.py", "/assets/"):
        assert inbox.get(path).status == 404


def test_errors_are_pages_for_people_and_json_for_programs(inbox: Inbox) -> None:
    assert "there is nothing at /nowhere" in inbox.get("/nowhere").text
    assert inbox.get("/api/nowhere").json["status"] == 404
    assert inbox.call("PUT", "/api/incidents").json["status"] == 405
    assert inbox.get("/?older=x").status == 400


def test_runbooks_are_pages(make_inbox: MakeInbox) -> None:
    """The folder is the clone's where there is one; its pages come from Markdown, without its HTML."""
    inbox = make_inbox()
    index = inbox.get("/runbooks")
    assert index.status == 200
    for path in ("/runbooks/NoSuchAlert", "/runbooks/..%2f..%2fREADME", "/runbooks/.hidden"):
        answer = inbox.get(path)
        assert answer.status == 404
        assert "there is no runbook" in answer.text


def test_a_notification_leads_to_a_form_that_is_filled_in(inbox: Inbox) -> None:
    page = inbox.get("/silence?alertname=HighCPUUsage&instance=%3Cb%3E%22web%22").text
    assert "alertname=&#34;HighCPUUsage&#34;" in page
    assert "<b>" not in page
    assert "&lt;b&gt;" in page


def test_why_is_for_alerts_of_this_site(inbox: Inbox) -> None:
    assert inbox.get("/why/Nothing").status == 404
    assert "does not answer" in inbox.get("/why/TargetDown").text
