"""From the models to the alert's value, through a real PostgreSQL: quiet on the replay, too low with a corrupted model."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from exporters.model_quality import collectors
from exporters.model_quality.reading import Reader
from metrics import analysis as ai
from metrics import model_quality as m
from metrics.instruments import Instruments
from metrics.model import Metric
from stream.analysis.engine import Served
from stream.analysis.messages import PREDICTIVE, RISK, TYPES
from stream.analysis.records import Records, unscored
from stream.store.database import Database
from tests.stream.analysis.damage import corrupted, with_intervals
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


def told(url: str, metric: Metric, window: float = HOUR) -> dict[str, float]:
    """What the exporter tells of the models themselves, by model."""
    reader = Reader(url)
    try:
        samples = [sample for collector in collectors(reader, window, 200) for sample in collector.collect()]
    finally:
        reader.close()
    return {
        labels[0]: float(value)
        for found, labels, value in samples
        if found is metric and "baseline" not in labels and isinstance(value, int | float)
    }


def answers_from(world: World, state: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Lets a version answer whose state was changed so."""
    held = world.engine.served[PREDICTIVE]
    changed = world.engine.restored(PREDICTIVE, state(world.engine.state(PREDICTIVE)))
    world.engine.served[PREDICTIVE] = Served(held.version + 1, changed)


def test_the_alert_is_quiet_on_the_replay_and_fires_on_a_corrupted_model(database_url: str) -> None:  # noqa: F811  # the fixture
    threshold = m.ACCURACY_DROP.warning
    assert threshold
    world = World(now=(int(time.time()) - 2 * HOUR) * 1000)
    world.run(2 * HOUR)
    assert store(world) == 0
    quiet = until("the exporter tells", lambda: told(database_url, m.ACCURACY))

    assert set(quiet) == set(TYPES)
    assert min(quiet.values()) > threshold

    answers_from(world, corrupted)
    world.run(HOUR * 2 // 3, publish=False)
    store(world)
    bad = told(database_url, m.ACCURACY)

    assert bad[PREDICTIVE] < threshold
    assert bad[TYPES[1]] > threshold


def test_a_widened_interval_wins_nothing(database_url: str) -> None:  # noqa: F811  # the fixture
    """Accuracy alone could be bought by being vague; width and interval score tell the price."""
    threshold = m.ACCURACY_DROP.warning
    assert threshold
    world = World(now=(int(time.time()) - 2 * HOUR) * 1000)
    world.run(HOUR)
    store(world)
    honest = {metric: told(database_url, metric, 2 * HOUR) for metric in (m.ACCURACY, m.WIDTH, m.INTERVAL_SCORE)}

    answers_from(world, lambda state: with_intervals(state, 4.0))
    world.run(HOUR, publish=False)
    store(world)
    vague = {metric: told(database_url, metric, HOUR * 0.9) for metric in honest}

    assert vague[m.ACCURACY][PREDICTIVE] > max(honest[m.ACCURACY][PREDICTIVE], threshold)
    assert vague[m.WIDTH][PREDICTIVE] > 2 * honest[m.WIDTH][PREDICTIVE]
    assert vague[m.INTERVAL_SCORE][PREDICTIVE] > 1.5 * honest[m.INTERVAL_SCORE][PREDICTIVE]
    assert vague[m.INTERVAL_SCORE][RISK] < 1.5 * honest[m.INTERVAL_SCORE][RISK]


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
