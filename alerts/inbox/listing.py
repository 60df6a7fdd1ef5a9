"""What is read from the inbox's database: incidents, timelines, notifications, counts."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alerts.inbox import schema
from alerts.inbox.posted import Posted

_LAST = 1 << 62
_OPEN = "resolved_at IS NULL"
_STATES = {
    "open": f"{_OPEN} AND acknowledged_at IS NULL",
    "acknowledged": f"{_OPEN} AND acknowledged_at IS NOT NULL",
    "resolved": "resolved_at IS NOT NULL",
}
STATES = tuple(_STATES)


@dataclass(frozen=True)
class Incident:
    """One alert instance, from its first bad sample to its end. Times are Unix seconds."""

    id: int
    fingerprint: str
    alertname: str
    severity: str
    labels: dict[str, str]
    annotations: dict[str, str]
    generator_url: str
    value: str
    first_bad_at: float | None
    first_bad_unknown: str
    starts_at: float
    delivered_at: float
    acknowledged_at: float | None
    acknowledged_by: str
    acknowledged_comment: str
    resolved_at: float | None
    resolved_delivered_at: float | None
    episode: int
    last_delivery: float

    @property
    def state(self) -> str:
        """`open`, `acknowledged` or `resolved`."""
        if self.resolved_at is not None:
            return "resolved"
        return "open" if self.acknowledged_at is None else "acknowledged"

    @property
    def detection(self) -> float | None:
        """Seconds from the first bad sample to firing; None when the first is not known."""
        return None if self.first_bad_at is None else max(0.0, self.starts_at - self.first_bad_at)

    @property
    def delivery(self) -> float | None:
        """Seconds from the first bad sample to arrival here; None when the first is not known."""
        return None if self.first_bad_at is None else max(0.0, self.delivered_at - self.first_bad_at)


@dataclass(frozen=True)
class Event:
    """One line of an incident's timeline; `count` is above 1 for reminders only."""

    at: float
    kind: str
    who: str
    note: str
    count: int


@dataclass(frozen=True)
class Received:
    """One notification: an incident's firing or resolution, as it arrived."""

    id: int
    status: str
    received_at: float
    incident: Incident


_FIELDS = tuple(Incident.__dataclass_fields__)
_POSTED = ", ".join(Posted.__dataclass_fields__)
_COLUMNS = ", ".join(f"i.{name}" for name in _FIELDS)


def _incident(row: sqlite3.Row) -> Incident:
    values: dict[str, Any] = {name: row[name] for name in _FIELDS}
    values["labels"], values["annotations"] = json.loads(values["labels"]), json.loads(values["annotations"])
    return Incident(**values)


class Listing:
    """Reads; sees every committed write. Call from one thread at a time; may raise sqlite3.Error."""

    def __init__(self, path: Path) -> None:
        self._db = schema.connect(path, writes=False)

    def close(self) -> None:
        """Ends the connection."""
        self._db.close()

    def _all(self, sql: str, *values: object) -> list[sqlite3.Row]:
        return self._db.execute(sql, values).fetchall()

    def firing(self, limit: int) -> list[Incident]:
        """Open incidents, unacknowledged first, then by severity, newest first; at most `limit`."""
        rows = self._all(
            f"SELECT {_COLUMNS} FROM incidents i WHERE {_OPEN}"  # noqa: S608  # column names are ours
            " ORDER BY acknowledged_at IS NOT NULL, rank, starts_at DESC LIMIT ?",
            limit,
        )
        return [_incident(row) for row in rows]

    def resolved(self, limit: int, before: tuple[float, int] | None = None) -> list[Incident]:
        """Resolved incidents, latest end first; older than the (end, id) of `before`."""
        end, last = before or (float("inf"), 0)
        rows = self._all(
            f"SELECT {_COLUMNS} FROM incidents i WHERE resolved_at IS NOT NULL AND (resolved_at, id) < (?, ?)"  # noqa: S608  # column names are ours
            " ORDER BY resolved_at DESC, id DESC LIMIT ?",
            end, last, limit,
        )  # fmt: skip
        return [_incident(row) for row in rows]

    def incident(self, number: int) -> Incident | None:
        """The incident of that id."""
        rows = self._all(f"SELECT {_COLUMNS} FROM incidents i WHERE id = ?", number)  # noqa: S608  # column names are ours
        return _incident(rows[0]) if rows else None

    def some(self, numbers: list[int]) -> list[Incident]:
        """The incidents of those ids, as far as there are."""
        chosen = "SELECT value FROM json_each(?)"
        rows = self._all(f"SELECT {_COLUMNS} FROM incidents i WHERE id IN ({chosen})", json.dumps(numbers))  # noqa: S608  # ours
        return [_incident(row) for row in rows]

    def incidents(self, limit: int, before: int | None, state: str, alertname: str) -> list[Incident]:
        """Incidents by id, newest first, below `before`; `state` is empty or a state, `alertname` empty or a name."""
        conditions: list[str] = ["id < ?"]
        values: list[object] = [before or _LAST]
        if alertname:
            conditions.append("alertname = ?")
            values.append(alertname)
        if state:
            conditions.append(_STATES[state])
        rows = self._all(
            f"SELECT {_COLUMNS} FROM incidents i WHERE {' AND '.join(conditions)} ORDER BY id DESC LIMIT ?",  # noqa: S608  # conditions are ours
            *values, limit,
        )  # fmt: skip
        return [_incident(row) for row in rows]

    def timeline(self, incidents: list[int]) -> dict[int, list[Event]]:
        """The events of those incidents, oldest first."""
        marks = ", ".join("?" * len(incidents))
        found: dict[int, list[Event]] = {number: [] for number in incidents}
        rows = self._all(
            f"SELECT incident_id, at, kind, who, note, count FROM events WHERE incident_id IN ({marks}) ORDER BY at, id",  # noqa: S608  # question marks
            *incidents,
        )
        for row in rows:
            found[row["incident_id"]].append(Event(row["at"], row["kind"], row["who"], row["note"], row["count"]))
        return found

    def notifications(self, limit: int, before: int | None, status: str, alertname: str) -> list[Received]:
        """Notifications, newest first, below the id `before`; `status` and `alertname` narrow unless empty."""
        conditions: list[str] = ["n.id < ?"]
        values: list[object] = [before or _LAST]
        for column, value in (("n.status", status), ("n.alertname", alertname)):
            if value:
                conditions.append(f"{column} = ?")
                values.append(value)
        rows = self._all(
            f"SELECT {_COLUMNS}, n.id AS number, n.status, n.received_at FROM notifications n JOIN incidents i"  # noqa: S608  # conditions are ours
            f" ON i.id = n.incident_id WHERE {' AND '.join(conditions)} ORDER BY n.id DESC LIMIT ?",
            *values, limit,
        )  # fmt: skip
        return [Received(row["number"], row["status"], row["received_at"], _incident(row)) for row in rows]

    def untimed(self, limit: int = 500) -> list[int]:
        """Open incidents whose first bad sample is not known."""
        sql = f"SELECT id FROM incidents WHERE {_OPEN} AND first_bad_at IS NULL LIMIT ?"  # noqa: S608  # a constant
        return [row["id"] for row in self._all(sql, limit)]

    def posted(self, start: float, end: float, limit: int, kind: str = "") -> list[Posted]:
        """Posted events that touch the window, latest start first; `kind` narrows unless empty."""
        narrowed = " AND kind = ?" if kind else ""
        rows = self._all(
            f"SELECT {_POSTED} FROM posted WHERE starts_at <= ? AND coalesce(ends_at, starts_at) >= ?{narrowed}"  # noqa: S608  # ours
            " ORDER BY starts_at DESC, id DESC LIMIT ?",
            end, start, *([kind] if kind else []), limit,
        )  # fmt: skip
        return [Posted(**{name: row[name] for name in row.keys()} | {"tags": tuple(json.loads(row["tags"]))}) for row in rows]  # noqa: SIM118  # a Row iterates over values

    def counts(self) -> tuple[dict[str, int], int, int]:
        """Open incidents by severity, how many of them nobody has acknowledged, and resolved ones."""
        columns = "severity, count(*) AS firing, sum(acknowledged_at IS NULL) AS bare"
        rows = self._all(f"SELECT {columns} FROM incidents WHERE {_OPEN} GROUP BY severity")  # noqa: S608  # constants
        resolved = self._all("SELECT count(*) AS n FROM incidents WHERE resolved_at IS NOT NULL")[0]["n"]
        return {row["severity"]: row["firing"] for row in rows}, sum(row["bare"] for row in rows), resolved
