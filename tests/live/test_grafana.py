"""Every target of every dashboard, asked as a Grafana would on the running appliance (by a stand-in for it: see there)."""

from __future__ import annotations

import asyncio

from dashboards import build
from dashboards.grafana import targets, verify
from dashboards.grafana.client import Client
from metrics.durations import seconds
from tests.appliance import Appliance
from tests.dashboards.grafana import standin
from tests.waiting import until


def test_no_target_fails_and_the_scratch_folder_goes(appliance: Appliance) -> None:
    boards = list(build.build(appliance.site).values())
    interval = seconds(appliance.site.scaled(appliance.site.prometheus.scrape_interval))

    async def verified(url: str) -> dict[str, list[targets.Result]]:
        async with Client(url, standin.TOKEN) as client:
            return await verify.verified(client, boards, over=60)

    def most() -> list[targets.Result]:
        """Every target's result, once most of an idle appliance's have data; which must have some is proven elsewhere."""
        found = asyncio.run(verified(grafana.url))
        assert (grafana.folders, grafana.boards) == ({}, {})
        assert set(found) == {board["title"] for board in boards}
        every = [result for results in found.values() for result in results]
        return every if sum(result.state == "data" for result in every) > len(every) / 2 else []

    with standin.running(appliance.url("prometheus"), interval) as grafana:
        every = until("most have data", most, 90)
    assert [result for result in every if result.state == "failed"] == []
