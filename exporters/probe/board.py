"""What the probes of one target have found so far: figures, and a log line whenever an endpoint begins or ceases to fail."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator

from exporters.probe.causes import ProbeError
from exporters.probe.link import Steps
from metrics import probe as m
from metrics.instruments import Instruments
from metrics.model import Single

LOG = logging.getLogger("exporters")


class Board:
    """For one event loop. `endpoints` are those that are tried."""

    def __init__(self, name: str, endpoints: tuple[str, ...]) -> None:
        self.counts = Instruments(m.METRICS)
        self._name = name
        self._said: dict[str, str] = dict.fromkeys(endpoints, "")
        self._untried = set(endpoints)
        self.complete = asyncio.Event()  # every endpoint was tried once
        for endpoint in endpoints:  # every cause exists at 0 from the start
            for cause in m.CAUSES:
                self.counts.inc(m.FAILURES, endpoint, cause, by=0)
        if m.STREAM in endpoints:
            self.counts.set(m.CONNECTED, 0)

    def tried(self, endpoint: str, steps: Steps, seconds: float, failure: ProbeError | None) -> None:
        """How a try of an endpoint over HTTP or WebSocket ended."""
        self.counts.set(m.DURATION, seconds, endpoint)
        self.counts.set(m.STATUS, steps.status, endpoint)
        for phase in m.PHASES:
            self.counts.set(m.PHASE, steps.phases.get(phase, 0.0), endpoint, phase)
        if steps.expiry:
            self.counts.set(m.EXPIRY, steps.expiry, endpoint)
        self.ended(endpoint, failure)

    def ended(self, endpoint: str, failure: ProbeError | None) -> None:
        """Whether a try succeeded, and if not, why. Logged when that changes."""
        cause = failure.cause if failure else ""
        self._untried.discard(endpoint)
        if not self._untried:
            self.complete.set()
        self.counts.set(m.SUCCESS, int(failure is None), endpoint)
        if failure:
            self.counts.inc(m.FAILURES, endpoint, cause)
        if cause == self._said[endpoint]:
            return
        self._said[endpoint] = cause
        if failure:
            LOG.warning("probe %s: %s: %s (%s)", self._name, endpoint, failure, cause)
        else:
            LOG.info("probe %s: %s: answers again", self._name, endpoint)

    def samples(self) -> Iterator[Single]:
        """The figures of now."""
        return self.counts.collect()
