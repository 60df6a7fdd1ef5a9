"""What PostgreSQL counts about our tables, as the workload's own role may see it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from metrics import database as db
from metrics.model import Sample
from stream.store.database import Database

_QUERY = """
SELECT coalesce(sum(heap_blks_hit), 0)::bigint AS hit, coalesce(sum(heap_blks_read), 0)::bigint AS read,
       (SELECT coalesce(sum(idx_scan), 0)::bigint FROM pg_stat_user_tables) AS index,
       (SELECT coalesce(sum(seq_scan), 0)::bigint FROM pg_stat_user_tables) AS sequential,
       (SELECT jsonb_object_agg(state, sessions) FROM (
          SELECT coalesce(state, 'other') AS state, count(*) AS sessions FROM pg_stat_activity
          WHERE backend_type = 'client backend' GROUP BY 1) AS s) AS sessions
FROM pg_statio_user_tables
"""
_STATES = ("active", "idle", "idle in transaction")


class Figures:
    """The figures of the last look; none before the first one."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[str, Any] = {}

    async def look(self) -> None:
        """Reads them. Raises StoreError or psycopg.Error; then the old ones stay, because counters do not fall."""
        async with self._database.asking("figures") as connection:
            self._known = (await (await connection.execute(_QUERY)).fetchone()) or {}

    def samples(self) -> Iterator[Sample]:
        """The samples of the last look."""
        known = self._known
        if not known:
            return
        for source in ("hit", "read"):
            yield db.BLOCKS.sample(known[source], source)
        for kind in ("index", "sequential"):
            yield db.SCANS.sample(known[kind], kind)
        sessions: dict[str, int] = known["sessions"] or {}
        for state in _STATES:
            yield db.SESSIONS.sample(sessions.get(state, 0), state)
        yield db.SESSIONS.sample(sum(count for state, count in sessions.items() if state not in _STATES), "other")
