"""Finds each new incident's first bad sample, behind the delivery's back: Alertmanager never waits for Prometheus."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable

from alerts.inbox.desk import Desk
from alerts.inbox.figures import Figures
from alerts.inbox.firstbad import FirstBad, Prometheus, UnansweredError, match
from alerts.inbox.listing import Listing
from alerts.inbox.store import Store

log = logging.getLogger("watchfloor.inbox")

# As long as an alert fires its activeAt stays, so that asking late is still asking for the truth.
_AGAIN_SECONDS = (2.0, 5.0, 15.0, 60.0)


class Timing:
    """A queue of incidents and one task that asks Prometheus about all of them at once."""

    def __init__(self, desk: Desk, prometheus: Prometheus, figures: Figures, changed: Callable[[], None]) -> None:
        """`changed` is called when an incident's times became known."""
        self._desk = desk
        self._prometheus = prometheus
        self._figures = figures
        self._changed = changed
        self._wanted: set[int] = set()
        self._awake = asyncio.Event()

    def ask(self, incidents: list[int]) -> None:
        """Asks about those incidents soon."""
        self._wanted.update(incidents)
        if self._wanted:
            self._awake.set()

    async def run(self) -> None:
        """Works until it is cancelled."""
        self.ask(await self._desk.read(Listing.untimed))
        attempt = 0
        while True:
            await self._awake.wait()
            self._awake.clear()
            try:
                done = await self._round()
            except sqlite3.Error:
                log.exception("database, while timing")
                done = False
            attempt = 0 if done else attempt + 1
            if attempt > len(_AGAIN_SECONDS):
                attempt = 0
                self._wanted.clear()  # the next reminder asks again
            elif attempt:
                asyncio.get_running_loop().call_later(_AGAIN_SECONDS[attempt - 1], self._awake.set)

    async def _round(self) -> bool:
        """One question for all that are wanted; False when it is to be asked again."""
        wanted = list(self._wanted)
        if not wanted:
            return True
        try:
            active = await self._prometheus.active()
        except UnansweredError as error:
            log.warning("first bad sample unknown: %s", error)
            for number in wanted:
                await self._desk.write(Store.first_bad_unknown, number, str(error))
            self._changed()
            return False
        for number in wanted:
            incident = await self._desk.read(Listing.incident, number)
            if incident is not None:
                found = match(incident.labels, incident.starts_at, active)
                await self._keep(number, found)
            self._wanted.discard(number)
        self._changed()
        return True

    async def _keep(self, number: int, found: FirstBad | str) -> None:
        if isinstance(found, str):
            await self._desk.write(Store.first_bad_unknown, number, found)
            return
        if await self._desk.write(Store.first_bad, number, found.at, found.value):
            incident = await self._desk.read(Listing.incident, number)
            if incident is not None:
                self._figures.timed(incident)
