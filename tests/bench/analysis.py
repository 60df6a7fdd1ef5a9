"""What the models cost and what they are worth: answers under open load, the rate that saturates them, skill on the replay.

    python -m tests.bench analysis [--hours 24] [--rate 500] [--seconds 20] [--only load|skill]

Load: a stream with the embedded feed, a PostgreSQL and the models as processes; questions leave at their times whatever became of
the earlier ones (open loop), and a latency counts from the time at which its question was due. The mix is the specification's:
predictive 30, risk 25, sentiment 20 (with a text), ensemble 15, recommendation 10, over five symbols, a minute ahead. Client and
models share two cores. Saturation: the rate grows by half until p99 is above 50 ms or a question is refused.

Skill: the models walk forward through so many hours of the replay, three seeds, as fast as they go.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from rich.table import Table

from compose.terminal import console
from stream.analysis.client import AnalysisClient, AnalysisError
from stream.analysis.messages import ENSEMBLE, PREDICTIVE, RECOMMENDATION, RISK, SENTIMENT, TYPES, AnalysisRequest, AnalysisType
from stream.analysis.predictions import Prediction, scores
from tests.stream.analysis.processes import Home, Running, running
from tests.stream.analysis.world import World
from tests.stream.store.postgres import Postgres
from tests.waiting import until

LIMIT = 0.05  # seconds, p99 at the wanted rate
_MIX: dict[AnalysisType, int] = {PREDICTIVE: 30, RISK: 25, SENTIMENT: 20, ENSEMBLE: 15, RECOMMENDATION: 10}
_SYMBOLS = ("BTC", "ETH", "SOL", "BNB", "XRP")
_TEXT = "Bitcoin rallies as ETF inflows surge, though some traders fear a selloff before the halving."
_SITE = """
bind: 127.0.0.1
ports: {{stream: {stream}, stream_admin: {admin}}}
stream: {{bus: {{enabled: false}}}}
"""


@dataclass
class Load:
    """How one run at one rate went; latencies in seconds."""

    rate: float
    latencies: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def quantile(self, share: float) -> float:
        ordered = sorted(self.latencies)
        return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else float("inf")

    @property
    def good(self) -> bool:
        return not self.errors and self.quantile(0.99) <= LIMIT


def questions(count: int, horizons: tuple[int, ...]) -> list[AnalysisRequest]:
    """A mix that is the same in every run."""
    chance = random.Random(1)  # noqa: S311  # a mix, no secret
    kinds = chance.choices(list(_MIX), list(_MIX.values()), k=count)
    return [
        AnalysisRequest(
            type=kind, crypto_id=chance.choice(_SYMBOLS), horizon=chance.choice(horizons), text=_TEXT if kind == SENTIMENT else ""
        )
        for kind in kinds
    ]


async def offer(url: str, rate: float, seconds: float, horizons: tuple[int, ...]) -> Load:
    """Questions at `rate` a second for so many seconds."""
    load, client, loop = Load(rate), AnalysisClient(url), asyncio.get_running_loop()
    began, tasks = loop.time() + 0.1, []

    async def one(question: AnalysisRequest, due: float) -> None:
        try:
            await client.analyze(question)
        except AnalysisError as error:
            load.errors.append(error.code)
        load.latencies.append(loop.time() - due)

    for place, question in enumerate(questions(round(rate * seconds), horizons)):
        due = began + place / rate
        if (wait := due - loop.time()) > 0:
            await asyncio.sleep(wait)
        tasks.append(asyncio.create_task(one(question, due)))
    await asyncio.gather(*tasks)
    await client.close()
    return load


def answering(models: Running, horizons: tuple[int, ...]) -> bool:
    """Whether every question of the mix would be answered."""
    asked = [
        {"type": kind, "crypto_id": symbol, "horizon": horizon} for kind in TYPES for symbol in _SYMBOLS for horizon in horizons
    ]
    return all(models.ask(question)[0] == 200 for question in asked)


def loads(rate: float, seconds: float) -> list[Load]:
    """The wanted rate, then half as much again until it is too much."""
    horizons = (60,)  # the longer one would have to be waited for: a model wants a whole horizon of the past
    with tempfile.TemporaryDirectory() as folder, Postgres(durable=True) as postgres:
        home = Home(Path(folder), postgres.fresh())
        home.site.write_text(_SITE.format(stream=home.ports[0], admin=home.ports[1]), encoding="utf-8")
        with running(home, "stream"), running(home, "stream.analysis", "--port", "0") as models:
            until("the market is known", lambda: answering(models, horizons), 400, every=1.0)
            found = [asyncio.run(offer(models.url, rate, seconds, horizons))]
            while found[-1].good:
                time.sleep(1.0)
                found.append(asyncio.run(offer(models.url, found[-1].rate * 1.5, min(seconds, 8.0), horizons)))
            return found


def report_loads(found: list[Load]) -> None:
    """One line a rate."""
    table = Table(title="Questions, open loop", box=None)
    for heading in ("offered/s", "answered", "refused or late", "mean, ms", "p50, ms", "p99, ms"):
        table.add_column(heading, justify="right")
    for one in found:
        figures = (statistics.fmean(one.latencies), one.quantile(0.5), one.quantile(0.99))
        answered = len(one.latencies) - len(one.errors)
        table.add_row(f"{one.rate:.0f}", str(answered), str(len(one.errors)), *(f"{1000 * value:.1f}" for value in figures))
    console().print(table)


def skill(hours: float, seeds: tuple[int, ...] = (11, 12, 13)) -> dict[tuple[str, int], list[Prediction]]:
    """Scored predictions by model and horizon, of all seeds together."""
    found: dict[tuple[str, int], list[Prediction]] = {}
    for seed in seeds:
        world = World(horizons=(60, 300), seed=seed)
        world.run(round(hours * 3600))
        for one in world.scored:
            if not one.fallback and one.outcome is not None:
                found.setdefault((one.model, one.horizon), []).append(one)
    return found


def report_skill(found: dict[tuple[str, int], list[Prediction]]) -> None:
    """One line a model and horizon; ratios are the model's over the baseline's."""
    table = Table(title="Skill on the replay, walk-forward", box=None)
    for heading in (
        "model",
        "horizon",
        "scored",
        "accuracy",
        "baseline's",
        "width ÷ baseline's",
        "Brier",
        "baseline's",
        "breaches",
    ):
        table.add_column(heading, justify="left" if heading == "model" else "right")
    for (model, horizon), predictions in sorted(found.items()):
        told = scores(predictions)
        assert told is not None
        breached = [one.breached for one in predictions if one.breached is not None]
        table.add_row(
            model, f"{horizon} s", str(told.count), f"{told.coverage:.3f}", f"{told.baseline_coverage:.3f}",
            f"{told.width / told.baseline_width:.3f}", f"{told.brier:.4f}", f"{told.baseline_brier:.4f}",
            f"{sum(breached) / len(breached):.3f}" if breached else "",
        )  # fmt: skip
    console().print(table)


def main() -> int:
    """Prints both; exit 1 when p99 at the wanted rate is above its limit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=24)
    parser.add_argument("--rate", type=float, default=500)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--only", choices=("load", "skill"))
    options = parser.parse_args()
    if options.only != "load":
        report_skill(skill(options.hours))
    if options.only == "skill":
        return 0
    found = loads(options.rate, options.seconds)
    report_loads(found)
    return int(not found[0].good)


if __name__ == "__main__":
    raise SystemExit(main())
