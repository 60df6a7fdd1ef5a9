"""From the models to the alert's value, through a real PostgreSQL: quiet on the replay, too low with a corrupted model."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest

from exporters.model_quality import collectors
from exporters.model_quality.reading import Reader
from metrics import analysis as ai
from metrics import model_quality as m
from metrics.instruments import Instruments
from stream.analysis.engine import Served
from stream.analysis.messages import PREDICTIVE, TYPES
from stream.analysis.records import Records, unscored
from stream.store.database import Database
from tests.stream.analysis.world import World
from tests.stream.store.postgres import database_url, postgres, site  # noqa: F401  # fixtures
from tests.waiting import until

HOUR = 3600


def store(world: World) -> int:
    """Writes what was scored as the process does; how many wait for their outcome in the data store."""

    async def story() -> int:
        records = Records(1_000_000, Instruments(ai.COUNTED))
        for one in world.scored:
            records.add(one)
        world.scored.clear()
        database = await Database.open(site(), "analysis")
        try:
            while await records.flush(database):
                pass
            return len(await unscored(database, 10))
        finally:
            await database.close()

    return asyncio.run(story())


def accuracy(url: str) -> dict[str, float]:
    """What the exporter tells, by model."""
    reader = Reader(url)
    try:
        samples = [sample for collector in collectors(reader, HOUR) for sample in collector.collect()]
    finally:
        reader.close()
    return {labels[0]: value for metric, labels, value in samples if metric is m.ACCURACY and isinstance(value, float)}


def narrowed(state: dict[str, Any]) -> dict[str, Any]:
    """A state that loads, and whose intervals are a twentieth as wide."""
    spoiled: dict[str, Any] = json.loads(json.dumps(state))
    for horizon in spoiled.values():
        quantiles = horizon["regression"]["quantiles"]
        quantiles["errors"] = [error / 20 for error in quantiles["errors"]]
    return spoiled


def test_the_alert_is_quiet_on_the_replay_and_fires_on_a_corrupted_model(database_url: str) -> None:  # noqa: F811  # the fixture
    threshold = m.ACCURACY_DROP.warning
    assert threshold
    world = World(now=(int(time.time()) - 2 * HOUR) * 1000)
    world.run(2 * HOUR)
    assert store(world) == 0
    quiet = until("the exporter tells", lambda: accuracy(database_url))

    assert set(quiet) == set(TYPES)
    assert min(quiet.values()) > threshold

    held = world.engine.served[PREDICTIVE]
    spoiled = world.engine.restored(PREDICTIVE, narrowed(world.engine.state(PREDICTIVE)))
    world.engine.served[PREDICTIVE] = Served(held.version + 1, spoiled)
    world.run(HOUR * 2 // 3, publish=False)
    store(world)
    bad = accuracy(database_url)

    assert bad[PREDICTIVE] < threshold
    assert bad[TYPES[1]] > threshold


@pytest.mark.parametrize("lost", [0, 30])
def test_what_does_not_fit_is_lost_and_counted(lost: int) -> None:
    world = World(now=(int(time.time()) - HOUR) * 1000)
    world.run(300)
    made = len(world.scored)
    counts = Instruments(ai.COUNTED)
    records = Records(made - lost, counts)
    for one in world.scored:
        records.add(one)

    assert records.waiting == made - lost
    assert next(value for metric, _, value in counts.collect() if metric is ai.LOST) == lost
