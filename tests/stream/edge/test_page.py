"""The page in a real browser, before the real server: live, honest about the replay, and back after a kill -9."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from playwright.sync_api import Browser, Page, expect

from stream import codes
from stream.closing import GuardedWebSocket
from tests.browser import page
from tests.stream.edge.cable import cuttable
from tests.stream.edge.real import Real, real
from tests.stream.edge.server import guard, serving
from tests.waiting import until

_CLIENT = Path(codes.__file__).parent / "page" / "client.js"
# Follows a room with the client module and keeps what it hands out, in order.
_FOLLOW = """async ([url, filters]) => {
  const { connect } = await import("/client.js");
  const seen = window.seen = [], states = window.states = [];
  window.followed = connect({ url, onState: ({ name }) => states.push(name) });
  followed.subscribe("market-data", filters, {
    initial: (list) => seen.push(["initial", list.map(({ symbol }) => symbol)]),
    data: (data, { seq, prev, epoch }) => seen.push(["data", seq, prev, epoch, data]),
    gap: ({ from, to, reason }) => seen.push(["gap", from, to, reason]),
  });
}"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Real]:
    with real(tmp_path_factory.mktemp("stream"), "stream: {replay: {rate: 50}}\n") as running:
        yield running


def test_the_page_shows_all_rooms_live_and_says_that_it_is_a_replay(browser: Browser, server: Real) -> None:
    with page(browser, f"{server.http}/") as opened:
        expect(opened.locator("#state")).to_have_text("live")
        expect(opened.locator("#origin")).to_have_text("replay, not a live market")
        expect(opened.locator("#market-data .quote")).to_have_count(5, timeout=15_000)
        btc = opened.locator("#market-data [data-symbol=BTC]")
        expect(btc.locator(".value")).to_have_text(re.compile(r"^\$[0-9,]+\.\d\d$"))
        before = btc.locator("polyline").get_attribute("points")
        expect(btc.locator("polyline")).not_to_have_attribute("points", before or "", timeout=10_000)
        expect(btc.locator("svg")).to_have_attribute("aria-label", re.compile(r"^BTC Price, last \d+ s: from \$"))
        expect(opened.locator("#latency")).to_have_text(re.compile(r"ms$"), timeout=15_000)
        expect(opened.locator("#rate")).to_have_text(re.compile(r"^[0-9.]+/s$"))
        expect(opened.locator("#onchain-data .quote").first).to_be_visible(timeout=15_000)
        expect(opened.locator("#sentiment-data .quote").first).to_be_visible(timeout=20_000)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_and_works_by_keyboard(browser: Browser, server: Real, scheme: Any) -> None:
    phone: Any = {"width": 360, "height": 740}
    with page(browser, f"{server.http}/", viewport=phone, color_scheme=scheme) as opened:
        first = opened.locator("#market-data .quote summary").first
        expect(first).to_be_visible(timeout=15_000)
        opened.keyboard.press("Tab")
        expect(first).to_be_focused()
        opened.keyboard.press("Enter")
        expect(opened.locator("#market-data .quote dl").first).to_contain_text("VWAP")
        assert opened.evaluate("document.documentElement.scrollWidth") <= 360


def test_symbols_with_markup_in_them_are_text(browser: Browser) -> None:
    bad = "<img src=x onerror=document.title='owned'>"

    async def evil(request: web.Request) -> web.StreamResponse:
        ws = GuardedWebSocket()
        await ws.prepare(request)
        await ws.send_json({"type": "connection", "clientId": "c", "timestamp": 1, "message": bad, "protocol": 1})
        async for message in ws:
            asked = message.json()
            room = asked.get("room")
            if asked["type"] == "subscribe":
                told = {"room": room, "timestamp": 1, "epoch": "e", "seq": 1}
                await ws.send_json({"type": "subscription", "status": "subscribed", "resumed": 0} | told)
                await ws.send_json({"type": "initial-data", "data": [{"symbol": bad, "price": bad, bad: bad, "time": 1}]} | told)
            elif asked["type"] == "list":
                await ws.send_json({"type": "rooms", "rooms": [{"room": "market-data", "replay": True, "source": bad}]})
        return ws

    with serving(guard(), evil) as running, page(browser, f"http://127.0.0.1:{running.port}/") as opened:
        expect(opened.locator("#market-data .name")).to_have_text(bad)
        opened.locator("#market-data summary").click()
        expect(opened.locator("#market-data dd").last).to_contain_text("<img")
        assert opened.locator("main img").count() == 0
        assert opened.title() == "Watchfloor stream"


def _seen(opened: Page) -> list[list[Any]]:
    found: list[list[Any]] = opened.evaluate("seen")
    return found


def _numbers(opened: Page) -> list[int]:
    return [entry[1] for entry in _seen(opened) if entry[0] == "data"]


def test_the_client_resumes_a_cut_connection_without_losing_or_repeating(browser: Browser, server: Real) -> None:
    with cuttable(server.port) as cable, page(browser, f"http://127.0.0.1:{cable.port}/") as opened:
        opened.evaluate(_FOLLOW, [f"ws://127.0.0.1:{cable.port}/ws", None])
        until("data", lambda: len(_numbers(opened)) > 5)
        for cut in range(1, 4):
            cable.cut()
            until("open again", lambda: opened.evaluate("states").count("open") > cut)  # noqa: B023  # called at once
            count = len(_numbers(opened))
            until("more data", lambda: len(_numbers(opened)) > count + 20)  # noqa: B023  # called at once
        numbers = _numbers(opened)
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        assert [entry[0] for entry in _seen(opened) if entry[0] != "data"] == ["initial"]
        opened.evaluate("followed.close()")


def test_the_client_asks_again_for_what_it_notices_to_be_missing(browser: Browser, server: Real) -> None:
    """Messages are taken away between socket and client: their numbers come all the same, once, in order."""
    take = """() => {
      const handle = followed._socket.onmessage;
      let taken = 0;
      followed._socket.onmessage = (event) => {
        if (event.data.includes('"type":"data"') && taken < 3) taken += 1;
        else handle(event);
      };
    }"""
    with page(browser, f"{server.http}/") as opened:
        opened.evaluate(_FOLLOW, [server.ws, {"symbols": ["BTC", "ETH"]}])
        until("data", lambda: len(_numbers(opened)) > 3)
        opened.evaluate(take)
        count = len(_numbers(opened))
        until("more data", lambda: len(_numbers(opened)) > count + 10)
        assert opened.evaluate("followed.repaired") == 1
        data = [entry for entry in _seen(opened) if entry[0] == "data"]
        for before, after in pairwise(data):
            assert after[2] == before[1], "each message follows the one that its server sent before it"
        assert {entry[4]["symbol"] for entry in data} == {"BTC", "ETH"}
        opened.evaluate("followed.close()")


def test_page_and_client_survive_a_killed_server(browser: Browser, tmp_path: Path) -> None:
    said: list[str] = []
    with real(tmp_path / "home", "stream: {replay: {rate: 50}}\n") as server, browser.new_context() as context:
        opened = context.new_page()
        opened.on("console", lambda message: said.append(message.text))
        opened.on("pageerror", lambda error: said.append(f"error: {error}"))
        opened.goto(f"{server.http}/")
        opened.evaluate(_FOLLOW, [server.ws, None])
        until("data", lambda: len(_numbers(opened)) > 5)
        assert server.stop(signal.SIGKILL) == -signal.SIGKILL
        expect(opened.locator("#state")).to_have_text("disconnected, trying again")
        server.start()
        expect(opened.locator("#state")).to_have_text("live", timeout=15_000)
        until("the client is back", lambda: any(entry[0] == "gap" for entry in _seen(opened)))
        at = next(index for index, entry in enumerate(_seen(opened)) if entry[0] == "gap")
        until("data of the new epoch", lambda: len(_seen(opened)) > at + 5)
        seen = _seen(opened)
        assert seen[at][3] == "epoch"
        assert seen[at + 1][0] == "initial"
        for part in (seen[1:at], seen[at + 2 :]):
            numbers = [entry[1] for entry in part]
            assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
            assert len({entry[3] for entry in part}) == 1
    assert [text for text in said if not text.startswith("WebSocket connection to ")] == []  # the browser's own word


def test_the_client_leaves_a_server_that_hangs_and_comes_back_when_it_goes_on(browser: Browser, tmp_path: Path) -> None:
    follow = """async () => {
      const { connect } = await import("/client.js");
      window.states = [];
      window.followed = connect({ silence: 4000, onState: ({ name, reason }) => states.push(`${name} ${reason ?? ""}`.trim()) });
    }"""
    with real(tmp_path / "home") as server, browser.new_context() as context:
        opened = context.new_page()
        opened.goto(f"{server.http}/api/rooms")
        opened.evaluate(follow)
        until("open, and quiet for longer than silence", lambda: opened.evaluate("followed.received") > 4)
        assert opened.evaluate("states") == ["connecting", "open"]
        server.send(signal.SIGSTOP)
        until("noticed", lambda: "waiting no answer" in opened.evaluate("states"))
        server.send(signal.SIGCONT)
        until("back", lambda: opened.evaluate("states")[-1] == "open")


def test_the_client_module_has_no_dependency_and_the_servers_list_of_final_codes() -> None:
    text = _CLIENT.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 300
    assert not re.search(r"^\s*import\b", text, re.MULTILINE)
    listed = re.search(r"FINAL = new Set\(\[(.*)\]\)", text)
    assert listed is not None
    assert {int(code) for code in listed[1].split(",")} == {int(code) for code in codes.CloseCode if not code.retry}


def test_where_anonymous_clients_are_not_let_in_a_token_typed_into_the_page_opens_it(browser: Browser, tmp_path: Path) -> None:
    with real(tmp_path / "home", "stream: {anonymous: false}\n") as server, page(browser, f"{server.http}/") as opened:
        expect(opened.locator("#market-data")).to_contain_text("accepts no anonymous clients")
        opened.get_by_text("Connection", exact=True).click()
        opened.get_by_label("Token or API key").fill("wrong")
        opened.keyboard.press("Enter")
        expect(opened.locator("#trouble")).to_contain_text("malformed")
        issued = server.run("stream.tokens", "issue", "--subject", "desk", "--scope", "market")
        opened.get_by_label("Token or API key").fill(issued.stdout.strip())
        opened.keyboard.press("Enter")
        expect(opened.locator("#who")).to_have_text("Signed in; scopes: market.")
        expect(opened.locator("#market-data .quote").first).to_be_visible(timeout=15_000)
        expect(opened.locator("#trouble")).to_be_hidden()
