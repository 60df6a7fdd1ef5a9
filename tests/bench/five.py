"""The five exporters beside real servers that they watch, for measurements; each a context manager."""

from __future__ import annotations

import contextlib
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import yaml

from metrics.analysis import MODELS
from metrics.model_quality import REACH
from metrics.probe import API
from tests.exporters.postgres.exporter import exporter as of_postgres
from tests.exporters.postgres.exporter import target as postgres_target
from tests.exporters.redis.servers import Redis
from tests.exporters.redis.servers import exporter as of_redis
from tests.exporters.redis.servers import target as redis_target
from tests.exporters.servers import Server, ours, series
from tests.postgres import Bare
from tests.stream.edge.real import real
from tests.stream.store.postgres import Postgres

SYMBOLS = ["BTC", "ETH", "SOL", "ADA", "XRP"]
EVERY, DAY = 30, 86_400  # seconds from one round of predictions to the next, as the models make them by default; seconds
MOST = 1000  # scrapes within which a day must have been read
# One round at each of some times: every model, symbol and horizon, scored as it became due; a version an hour.
_ROUNDS = """
INSERT INTO ai_predictions (
  id, model, version, fallback, origin, crypto_id, symbol, horizon, made_at, due_at, point, lower, upper, probability,
  baseline_point, baseline_lower, baseline_upper, baseline_probability, features, expected, outcome, change, happened,
  baseline_happened, breached, scored_at, stored_at)
SELECT gen_random_uuid(), model, 1 + (extract(epoch FROM due - %(first)s) / 3600)::int, '', 'scheduled', lower(symbol), symbol,
  horizon, due - make_interval(secs => horizon), due, random() / 1e3, -0.001 - random() / 1e3, 0.001 + random() / 1e3, random(),
  0, -0.002, 0.002, 0.5, jsonb_build_object('anchor', random(), 'volatility', random(), 'momentum', random(), 'spread', random(),
  'volume', random(), 'rises', random() - 0.5), '{}', random() / 500 - 0.001, 0, random() < 0.5, random() < 0.5, false, due, due
FROM generate_series(%(first)s, %(last)s, make_interval(secs => %(every)s)) AS due, unnest(%(models)s::text[]) AS model,
  unnest(%(symbols)s::text[]) AS symbol, unnest(ARRAY[60, 300]) AS horizon ORDER BY due
"""


def predictions(url: str, seconds: float) -> int:
    """Rows of predictions, by database time, over the last so many seconds until now; how many."""
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute("SELECT now() - make_interval(secs => %s), now()", (seconds,)).fetchone()
        assert row
        first, last = row
        given = {"first": first, "last": last, "every": EVERY, "models": list(MODELS), "symbols": SYMBOLS}
        return connection.execute(_ROUNDS, given).rowcount


def _folder() -> contextlib.AbstractContextManager[str]:
    return tempfile.TemporaryDirectory(prefix="watchfloor-bench-")


@contextmanager
def postgres() -> Iterator[Server]:
    """Of a server with an empty database."""
    with _folder() as folder, Bare() as server, of_postgres(Path(folder), [postgres_target(server, Path(folder))]) as found:
        yield found


@contextmanager
def redis() -> Iterator[Server]:
    """Of an empty server."""
    with _folder() as folder, Redis() as server, of_redis(Path(folder), [redis_target(server.port, Path(folder))]) as found:
        yield found


@contextmanager
def probe() -> Iterator[Server]:
    """Of a stream server with its replay, by the defaults, but for the endpoint of the models, who are not there."""
    with _folder() as folder, real(Path(folder) / "stream") as stream:
        target = {"name": "main", "url": stream.http, "api": [name for name in API if name != "ai-analysis"]}
        with _ours("probe", Path(folder), {"exporters": {"probe": {"targets": [target]}}}) as found:
            yield found


@contextmanager
def model_quality() -> Iterator[tuple[Server, Postgres, str]]:
    """Of a data store with a day of predictions; the server, and the URL of the database, beside it."""
    track = ("-c", "pg_stat_statements.track_planning=on", "-c", "timezone=UTC")
    with _folder() as folder, Postgres(*track) as server:
        url = server.fresh()
        predictions(url, DAY)
        file = Path(folder) / "url"
        file.write_text(url)
        file.chmod(0o600)
        with _ours("model_quality", Path(folder), {"database": {"url_file": str(file)}}) as found:
            yield found, server, url


def read_all(server: Server) -> int:
    """Scrapes until the day is read; how many it took."""
    for count in range(1, MOST):
        if next(iter(series(server.text())[REACH.name].values())) >= DAY:
            return count
    raise AssertionError(f"the day is not read after {MOST} scrapes")


@contextmanager
def _ours(domain: str, folder: Path, site: dict[str, object]) -> Iterator[Server]:
    file = folder / "site.yaml"
    file.write_text(yaml.safe_dump(site))
    with ours(command=[sys.executable, "-m", "exporters", domain], environment={"WATCHFLOOR_SITE": str(file)}) as server:
        yield server
