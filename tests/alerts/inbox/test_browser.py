"""The page in a real browser: it opens without an error, follows what happens, and works by keyboard."""

import re
import signal
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.alerts.inbox.service import Inbox, Server, alert, delivery, site_yaml, watchdog

MakeInbox = Callable[..., Inbox]
# Chromium logs these by itself where a test stops a server on purpose.
NETWORK = ("ERR_CONNECTION_REFUSED", "ERR_CONNECTION_RESET", "ERR_INCOMPLETE_CHUNKED_ENCODING", "502 (Bad Gateway)")
WIDE = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page on which every error fails the test, and which remembers that it was never loaded again."""
    context = browser.new_context(timezone_id="Asia/Kolkata", viewport={"width": 1000, "height": 800})
    page = context.new_page()
    page.set_default_timeout(15_000)
    errors: list[str] = []
    page.on("console", lambda message: errors.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("dialog", lambda dialog: errors.append(f"dialog: {dialog.message}"))
    yield page
    context.close()
    assert [error for error in errors if not any(word in error for word in NETWORK)] == []


def open_live(page: Page, inbox: Inbox) -> None:
    page.goto(inbox.url)
    expect(page.locator("#link-state")).to_contain_text("Live")
    page.evaluate("window.sameDocument = true")


def test_an_alert_appears_and_resolves_by_itself(page: Page, inbox: Inbox) -> None:
    inbox.post(watchdog())
    open_live(page, inbox)
    expect(page.locator("h1")).to_have_text("No alert is firing")
    inbox.post(delivery(alert(severity="critical")))
    expect(page.locator("h1")).to_have_text("1 critical alert")
    expect(page.locator("article.incident")).to_contain_text("CRITICAL High CPU Usage on web-1")
    expect(page).to_have_title(re.compile(r"^\(1\) 1 critical alert"))
    inbox.post(delivery(alert(status="resolved", severity="critical")))
    expect(page.locator("details.past")).to_contain_text("RESOLVED High CPU Usage")
    assert page.evaluate("window.sameDocument")


def test_times_are_the_observers(page: Page, inbox: Inbox) -> None:
    inbox.post(delivery(alert()))
    open_live(page, inbox)
    expect(page.locator("#link-state")).to_contain_text("Asia/")
    since = page.locator("article.incident dl time").first
    expect(since).to_have_text("2026-11-22 14:30:00")
    assert "Asia/" in (since.get_attribute("title") or "")


def test_typed_text_caret_and_folds_survive_updates(page: Page, inbox: Inbox) -> None:
    inbox.post(delivery(alert()))
    open_live(page, inbox)
    card = page.locator("#incident-1")
    card.locator("summary", has_text="Timeline").click()
    card.locator("summary", has_text="Silence").click()
    why = card.locator("input[name=comment]")
    why.fill("waiting for a disk")
    why.evaluate("node => node.setSelectionRange(7, 7)")
    inbox.post(delivery(alert("Other", severity="critical")))
    expect(page.locator("article.incident")).to_have_count(2)
    expect(why).to_have_value("waiting for a disk")
    expect(why).to_be_focused()
    page.keyboard.type("[x]")
    expect(why).to_have_value("waiting[x] for a disk")
    expect(card.locator(".timeline")).to_be_visible()
    inbox.post(delivery(alert(status="resolved")))
    expect(page.locator("details.past")).to_have_count(1)
    kept = page.locator("[data-key^=orphan]")
    expect(kept).to_contain_text("What you typed is kept here")
    expect(kept.locator("input[name=comment]")).to_have_value("waiting[x] for a disk")
    expect(kept.locator("input[name=comment]")).to_be_focused()
    kept.locator("button", has_text="Discard").click()
    inbox.post(delivery(alert("Third")))
    expect(page.locator("article.incident")).to_have_count(2)
    expect(kept).to_have_count(0)


def test_acknowledged_by_keyboard(page: Page, inbox: Inbox) -> None:
    inbox.post(delivery(alert(), alert("Other")))
    open_live(page, inbox)
    name = page.locator("#incident-1 .acknowledge input[name=by]")
    for _ in range(40):
        page.keyboard.press("Tab")
        if name.evaluate("node => node === document.activeElement"):
            break
    expect(name).to_be_focused()
    page.keyboard.type("Ada")
    page.keyboard.press("Enter")
    expect(page.locator("#incident-1")).to_contain_text("Acknowledged by Ada")
    expect(page.locator("section[data-key=taken] #incident-1")).to_be_visible()
    assert page.evaluate("document.activeElement.closest('#incident-1') !== null")
    expect(page.locator("#incident-2 .acknowledge input[name=by]")).to_have_value("Ada")
    assert [item["acknowledged_by"] for item in inbox.incidents("?state=acknowledged")] == ["Ada"]
    assert page.evaluate("window.sameDocument")


def test_a_silence_is_made_and_ended(page: Page, make_inbox: MakeInbox, make_server: Callable[..., Server]) -> None:
    inbox = make_inbox(site_yaml(alertmanager=make_server("alertmanager").url))
    inbox.post(delivery(alert()))
    open_live(page, inbox)
    card = page.locator("#incident-1")
    card.locator("summary", has_text="Silence").press("Enter")
    card.locator(".silence-form input[name=by]").fill("Ada")
    card.locator("input[name=comment]").fill("nightly batch")
    card.locator("select").select_option("4h")
    card.locator("input[name=comment]").press("Enter")
    expect(card).to_contain_text("Silenced until")
    expect(page.locator("article.silence")).to_contain_text("ends in 3 h 59 min")
    page.locator("article.silence button").press("Enter")
    expect(page.locator("article.silence")).to_have_count(0)
    expect(page.locator("#silences")).to_contain_text("1 expired")
    expect(card).not_to_contain_text("Silenced until")


def test_a_refused_silence_says_why_and_keeps_the_form(page: Page, inbox: Inbox) -> None:
    open_live(page, inbox)
    page.locator("summary", has_text="Make a silence").click()
    form = page.locator("[data-keep=new-silence]")
    form.locator("textarea").fill("alertname=X")
    form.locator("input[name=by]").fill("Ada")
    form.locator("input[name=comment]").fill("why not")
    with page.expect_response("**/silences"):
        form.locator("button").click()
    expect(form.locator("output")).to_contain_text("Alertmanager cannot be reached")
    inbox.post(delivery(alert()))
    expect(page.locator("article.incident")).to_have_count(1)
    expect(form.locator("output")).to_contain_text("Alertmanager cannot be reached")
    expect(form.locator("input[name=comment]")).to_have_value("why not")


def test_the_page_turns_when_the_watchdog_stops(page: Page, make_inbox: MakeInbox) -> None:
    inbox = make_inbox(site_yaml(factor=0.02))
    inbox.post(watchdog())
    open_live(page, inbox)
    expect(page.locator(".banner")).to_contain_text("Alerting is broken: no Watchdog since")
    expect(page.locator("h1")).to_have_text("Alerting is broken")
    inbox.post(watchdog())
    expect(page.locator(".banner")).to_have_count(0)
    assert page.evaluate("window.sameDocument")


def test_it_says_when_the_inbox_is_gone_and_comes_back(page: Page, inbox_process: Inbox) -> None:
    inbox = inbox_process
    open_live(page, inbox)
    port = inbox.url.rpartition(":")[2]
    inbox.stop(signal.SIGKILL)
    expect(page.locator("#link-state")).to_contain_text("No answer since")
    inbox.start(port)
    inbox.post(delivery(alert()))
    expect(page.locator("#link-state")).to_contain_text("Live", timeout=20_000)
    expect(page.locator("article.incident")).to_have_count(1)


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_narrow_and_hostile(browser: Browser, inbox: Inbox, scheme: str) -> None:
    evil = "<img src=x onerror=alert(1)>" + "x" * 200
    inbox.post(delivery(alert(evil, instance=evil) | {"annotations": {"title": evil, "summary": evil, "description": evil * 5}}))
    context = browser.new_context(color_scheme=scheme, viewport={"width": 360, "height": 740})  # type: ignore[arg-type]  # dark or light
    page = context.new_page()
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    open_live(page, inbox)
    for summary in page.locator("summary").all():
        summary.click()
    assert page.evaluate(WIDE)
    assert page.locator("main img").count() == 0
    assert dialogs == []
    context.close()


def test_without_scripts_it_reads_and_acknowledges(browser: Browser, inbox: Inbox) -> None:
    inbox.post(delivery(alert()))
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(inbox.url)
    page.locator("#incident-1 .acknowledge input[name=by]").fill("Ada")
    page.locator("#incident-1 .acknowledge button").click()
    expect(page.locator("#incident-1")).to_contain_text("Acknowledged by Ada")
    assert page.url == f"{inbox.url}/#incident-1"
    context.close()
