"""The programming interface on the appliance: its own Prometheus and its own Alertmanager, by their own password."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import time

from settings.paths import CLONE
from stream.monitoring import Alert, Monitoring, Series
from tests.appliance import Appliance
from tests.waiting import until


async def _asked(appliance: Appliance) -> tuple[list[Series], list[Alert]]:
    async with Monitoring(appliance.site, paths=appliance.paths) as monitoring:
        now = time.time()
        return await monitoring.metrics("up", now - 60, now), await monitoring.alerts()


def test_metrics_and_alerts_of_the_appliance(appliance: Appliance) -> None:
    def watched() -> list[Series] | None:
        series, alerts = asyncio.run(_asked(appliance))
        return series if "Watchdog" in {alert.name for alert in alerts} else None

    series = until("the Watchdog stands among the alerts", watched, 40)
    assert {one.labels["job"] for one in series} == {item["metric"]["job"] for item in appliance.query("up")}


def test_the_guides_program_runs(appliance: Appliance) -> None:
    found = re.search(r"```python\n(.*?)```", (CLONE / "docs/guides/monitoring.md").read_text(encoding="utf-8"), re.DOTALL)
    assert found
    known = {"WATCHFLOOR_SITE": str(appliance.site_file), "WATCHFLOOR_HOME": str(appliance.paths.home)}
    told = subprocess.check_output([sys.executable, "-c", found[1]], cwd=CLONE, env=os.environ | known, text=True, timeout=30)
    assert "stream (" in told
    assert "Watchdog active" in told
