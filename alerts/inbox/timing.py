"""Finds each new incident's first bad sample, behind the delivery's back: Alertmanager never waits for Prometheus."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace

from alerts.inbox.desk import Desk
from alerts.inbox.figures import Figures
from alerts.inbox.firstbad import Actives, FirstBad, Prometheus, UnansweredError
from alerts.inbox.listing import Listing
from alerts.inbox.store import Store

log = logging.getLogger("watchfloor.inbox")

# As long as an alert fires its activeAt stays, so that asking late is still asking for the truth.
_AGAIN_SECONDS = (2.0, 5.0, 15.0, 60.0)
_TRIES = 3  # with a Prometheus that answers


class Timing:
    """A queue of incidents and one task that asks Prometheus about all of them at once."""

    def __init__(self, desk: Desk, prometheus: Prometheus, figures: Figures, changed: Callable[[], None]) -> None:
        """`changed` is called when an incident's times became known."""
        self._desk = desk
        self._prometheus = prometheus
        self._figures = figures
        self._changed = changed
        self._wanted: set[int] = set()
        self._tries: dict[int, int] = {}
        self._awake = asyncio.Event()

    def ask(self, incidents: list[int]) -> None:
        """Asks about those incidents soon."""
        self._wanted.update(incidents)
        if self._wanted:
            self._awake.set()

    async def run(self) -> None:
        """Works until it is cancelled."""
        self.ask(await self._desk.read(Listing.untimed))
        failures = 0
        while True:
            await self._awake.wait()
            self._awake.clear()
            if await self._round():
                failures = 0
                continue
            await asyncio.sleep(_AGAIN_SECONDS[min(failures, len(_AGAIN_SECONDS) - 1)])
            failures += 1
            self._awake.set()

    async def _round(self) -> bool:
        """One question for all that are wanted; False when it is to be asked again."""
        wanted = set(self._wanted)
        if not wanted:
            return True
        try:
            active = Actives(await self._prometheus.active())
        except UnansweredError as error:
            log.warning("first bad sample unknown: %s", error)
            await self._desk.write(Store.timed, {}, dict.fromkeys(wanted, str(error)))
            self._changed()
            return False
        incidents = await self._desk.read(Listing.some, sorted(wanted))
        found = {incident.id: active.match(incident.labels, incident.starts_at) for incident in incidents}
        known = {number: answer for number, answer in found.items() if isinstance(answer, FirstBad)}
        unknown = {number: answer for number, answer in found.items() if isinstance(answer, str)}
        fresh = set(await self._desk.write(Store.timed, known, unknown))
        for incident in incidents:
            if incident.id in fresh:
                self._figures.timed(replace(incident, first_bad_at=known[incident.id].at))
        self._changed()
        return self._settle(wanted, set(unknown))

    def _settle(self, wanted: set[int], unknown: set[int]) -> bool:
        """Whether nothing of `wanted` is to be asked again: a Prometheus that has just started knows its alerts a bit later."""
        for number in unknown:
            self._tries[number] = self._tries.get(number, 0) + 1
        again = {number for number in unknown if self._tries[number] < _TRIES}
        for number in wanted - again:
            self._tries.pop(number, None)
        self._wanted -= wanted - again
        return not again
