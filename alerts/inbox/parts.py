"""What the handlers of the inbox share."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from aiohttp import web

from alerts.inbox.alertmanager import Alertmanager
from alerts.inbox.desk import Desk
from alerts.inbox.figures import Figures
from alerts.inbox.hub import Hub
from alerts.inbox.runbooks import Runbooks
from alerts.inbox.timing import Timing
from alerts.inbox.watchdog import LIMIT_SECONDS, Pulse, pulse
from settings import Paths, Site


@dataclass
class Parts:
    """One running inbox. `watchdog_at` and `started` are Unix times; `bearer` is Alertmanager's token."""

    site: Site
    bearer: str
    desk: Desk
    figures: Figures
    hub: Hub
    timing: Timing
    alertmanager: Alertmanager
    runbooks: Runbooks
    watchdog_at: float | None
    paths: Paths
    clock: Callable[[], float] = time.time
    started: float = field(default_factory=time.time)

    def pulse(self) -> Pulse:
        """Whether alerting lives, by the clock of now."""
        limit = LIMIT_SECONDS * self.site.profile.factor
        return pulse(self.clock(), self.watchdog_at, self.started, limit)


PARTS = web.AppKey("parts", Parts)
