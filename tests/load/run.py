"""Runs tests against an appliance, one after the other, and makes the report; whoever interrupts it gets the report so far."""

from __future__ import annotations

import asyncio
import gc
import json
import time
import urllib.request
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from alerts import event
from stream.loop import choose, ended
from tests.appliance import Appliance
from tests.load import api, cache, database, machine, websocket
from tests.load.place import Place
from tests.load.recorder import Outcome, Recorder
from tests.load.shapes import LoadTest, Profile
from tests.waiting import until

Run = Callable[[LoadTest, Place, Recorder], Awaitable[None]]
RUNS: dict[str, Run] = {
    "api": api.run, "websocket": websocket.run, "database": database.run, "ai": api.run, "cache": cache.run, "peak": api.run,
    "crowd": api.crowd, "edge": api.edge,
}  # fmt: skip
# Models that learn within seconds, so that they can be asked soon after the start.
SETTINGS: dict[str, Any] = {"analysis": {"horizons": ["10s"], "every": "5s", "publish": "100s"}}
Tick = Callable[[str, float, Recorder], None]
_EVERY = 0.25
_PATIENCE = 240.0


def ready(appliance: Appliance) -> None:
    """Returns when every model answers: until then they have no data. AssertionError says which does not."""
    wanted = [(kind, symbol) for kind in api._SIZES for symbol in Place.of(appliance).symbols]
    until("every model answers", lambda: all(_answers(appliance, *one) for one in wanted), _PATIENCE, 0.5)


def _answers(appliance: Appliance, kind: str, symbol: str) -> bool:
    asked = urllib.request.Request(
        appliance.url("stream", "/api/ai-analysis"), data=json.dumps({"type": kind, "cryptoId": symbol}).encode(),
        headers={"Content-Type": "application/json"},
    )  # fmt: skip
    try:
        with urllib.request.urlopen(asked, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def conduct(appliance: Appliance, test: LoadTest, profile: Profile, tick: Tick) -> Outcome:
    """One test, already scaled; an interruption ends it in good order, and the outcome says so."""
    recorder, began = Recorder(), time.time()
    spent = machine.Spent(appliance)
    gc.collect()
    gc.freeze()
    gc.disable()  # a pause of the generator would count as the server's
    with asyncio.Runner(loop_factory=choose()[0]) as runner:
        try:
            runner.run(_watched(test, Place.of(appliance), recorder, tick))
        except KeyboardInterrupt:
            recorder.interrupted = True
        finally:
            gc.enable()
            gc.unfreeze()
    outcome = recorder.outcome(
        test.name, test.title, test.unit, users=test.users, share=profile.share, factor=profile.factor,
        open_loop=test.rate > 0,
    )  # fmt: skip
    outcome.resources = spent.told(max(time.time() - began, 1e-9), outcome.generator)
    outcome.resources["series"] = machine.series(appliance, outcome.began, outcome.began + outcome.seconds)
    mark(appliance, f"load test: {test.title}", began, time.time(), outcome)
    return outcome


async def _watched(test: LoadTest, place: Place, recorder: Recorder, tick: Tick) -> None:
    async def watch() -> None:
        while True:
            tick(test.name, test.seconds, recorder)
            await asyncio.sleep(_EVERY)

    watching = asyncio.get_running_loop().create_task(watch())
    try:
        await RUNS[test.name](test, place, recorder)
    finally:
        await ended([watching])


def mark(appliance: Appliance, title: str, began: float, over: float, outcome: Outcome | None = None) -> None:
    """Tells the appliance that load ran: dashboards draw it, incidents list it. One that does not take it only says so."""
    try:
        event.post(appliance.url("inbox"), {"title": title, "kind": "load", "start": began, "end": over, "tags": ["load"]})
    except event.RefusedError as error:
        if outcome is not None:
            outcome.notes.append(f"the run is not marked on dashboards: {error}")


def all_of_them(appliance: Appliance, tests: Sequence[LoadTest], profile: Profile, tick: Tick) -> list[Outcome]:
    """One after the other, until one is interrupted."""
    found: list[Outcome] = []
    for test in tests:
        found.append(conduct(appliance, test.scaled(profile.factor, profile.share), profile, tick))
        if found[-1].interrupted:
            break
    return found


def baseline(path: Path) -> list[dict[str, Any]]:
    """The tests of an earlier run's JSON file. Raises ValueError for what is none."""
    try:
        return list(json.loads(path.read_text(encoding="utf-8"))["tests"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"--baseline {path}: is no report of a load run ({error}): give the JSON file that one wrote") from error
