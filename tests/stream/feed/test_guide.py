"""The guide of the feed says what the code does: its settings are valid, its tables are those of the declarations."""

from __future__ import annotations

import re

import pytest

from metrics import feed
from settings import Site, parse
from settings.paths import CLONE
from stream.processors.base import Shape
from stream.processors.market import MarketProcessor
from stream.processors.onchain import OnchainProcessor
from stream.processors.sentiment import SentimentProcessor
from tests.stream.feed.test_processors import T0, flush, raw, trade

GUIDE = (CLONE / "docs" / "guides" / "feed.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", GUIDE, re.DOTALL)


@pytest.mark.parametrize("text", EXAMPLES)
def test_every_example_is_a_valid_site_that_changes_something(text: str) -> None:
    assert parse(text) != Site()


def test_every_reason_is_explained_and_no_other() -> None:
    table = GUIDE.split("## What is refused")[1].split("##")[0]

    assert tuple(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == feed.BAD


def test_every_metric_it_names_exists() -> None:
    assert set(re.findall(r"feed_[a-z_]+", GUIDE)) <= {metric.name for metric in feed.METRICS}


def test_every_field_of_an_update_is_explained() -> None:
    shape = Shape(10, 100, 1000)
    made = [
        flush(MarketProcessor(shape, 60_000), trade(T0, "1")),
        flush(OnchainProcessor(shape), raw(T0, mvrv=1.0)),
        flush(SentimentProcessor(shape), raw(T0, google_trends=1.0)),
    ]
    fields = {name for [data] in made for name in data} - {"symbol"}

    assert {name for name in fields if f"`{name}`" not in GUIDE} == set()


def test_the_defaults_in_the_tables_are_those_of_the_settings() -> None:
    sources = Site().stream.sources

    for source, row in ((sources.market, "market"), (sources.onchain, "onchain"), (sources.sentiment, "sentiment")):
        told = re.search(rf"^\| `{row}` .*\| ([\d,]+) · (\d+) (\w+) · (\d+) s \|$", GUIDE, re.MULTILINE)
        assert told
        assert (int(told[1].replace(",", "")), f"{told[2]}{told[3]}", f"{told[4]}s") == (
            source.buffer,
            source.interval,
            source.window,
        )
    assert f"a fifth) | {sources.market.reconnect[:-1]} s | {sources.sentiment.reconnect[:-1]} s |" in GUIDE
    assert f"counts as failed | {sources.market.attempts} | {sources.sentiment.attempts} |" in GUIDE
    assert (sources.onchain.reconnect, sources.onchain.attempts) == (sources.market.reconnect, sources.market.attempts)
