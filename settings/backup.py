"""The section `backup:` of `site.yaml`: how often the appliance's data is backed up, where to, and how many are kept."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from metrics.durations import seconds
from settings.basic import Duration, FileOrNone, Section

_LEAST, _MOST = "10m", "60d"


class Backup(Section, frozen=True):
    """Backups of what `var/data` holds; `make backup` makes one at any time."""

    every: Annotated[
        Duration, Meta(description="How often one is made by itself; 0s: only by `make backup`. While Prometheus's data is "
        "linked, it stands still for some seconds. In containers have cron run `make backup` that often.")
    ] = "0s"  # fmt: skip
    keep: Annotated[int, Meta(ge=1, le=1000, description="How many are kept; older ones are removed.")] = 7
    to: Annotated[
        FileOrNone, Meta(description="A folder that is there already, best on another disk; empty: `backups` in the home.")
    ] = ""

    def __post_init__(self) -> None:
        """Refuses backups that would follow one another without a pause, or never."""
        if seconds(self.every) and not seconds(_LEAST) <= seconds(self.every) <= seconds(_MOST):
            msg = f"every is {self.every}: give from {_LEAST} to {_MOST}, or 0s for none"
            raise ValueError(msg)
