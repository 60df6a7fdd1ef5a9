"""The one writer of the inbox's database. Every method is one transaction: on disk when it returns."""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from alerts.inbox import schema
from alerts.inbox.decide import Known, Verdict, decide
from alerts.inbox.firstbad import FirstBad
from alerts.inbox.posted import Posted
from alerts.inbox.webhook import WATCHDOG, Alert, Notification, digest
from metrics.stack import SEVERITIES

_KNOWN = (
    "SELECT id, episode, resolved_at, last_delivery, digest, first_bad_at FROM incidents WHERE fingerprint = ? AND starts_at = ?"
)
MOST_POSTED = 10_000
_WATCHDOG_AT, _FORM_TOKEN, _CHECKED = "watchdog_at", "form_token", "checked"


@dataclass
class Recorded:
    """What one delivery changed: new notifications as (status, severity), duplicates, and incidents to be timed."""

    new: list[tuple[str, str]] = field(default_factory=list)
    duplicates: int = 0
    watchdog: bool = False
    untimed: list[int] = field(default_factory=list)
    changed: bool = False


class Store:
    """Writes incidents. Call from one thread at a time; any method may raise sqlite3.Error (disk full, file gone)."""

    def __init__(self, path: Path) -> None:
        """Opens `path`, or makes it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._db = schema.connect(path, writes=True)
        schema.migrate(self._db)

    def close(self) -> None:
        """Ends the connection."""
        self._db.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield self._db
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def record(self, notification: Notification, now: float) -> Recorded:
        """Keeps a delivery that arrived at Unix time `now`: all of its alerts, or none."""
        recorded = Recorded()
        with self._transaction():
            for alert in notification.alerts:
                if alert.name == WATCHDOG:
                    self._heard_watchdog(alert, now, recorded)
                else:
                    self._record_alert(alert, notification.receiver, now, recorded)
        return recorded

    def _heard_watchdog(self, alert: Alert, now: float, recorded: Recorded) -> None:
        if alert.status == "firing":
            recorded.watchdog = True
            self._set_meta(_WATCHDOG_AT, repr(now))

    def _record_alert(self, alert: Alert, receiver: str, now: float, recorded: Recorded) -> None:
        row = self._db.execute(_KNOWN, (alert.fingerprint, alert.started)).fetchone()
        known = Known(row["resolved_at"] is not None, row["last_delivery"], row["digest"]) if row else None
        mark = digest(alert)
        verdict = decide(known, alert, mark, now)
        if verdict in (Verdict.DUPLICATE, Verdict.REPEAT):
            recorded.duplicates += 1
        else:
            recorded.new.append((alert.status, alert.severity))
        if verdict is Verdict.DUPLICATE:
            return
        recorded.changed = True
        incident = row["id"] if row else self._insert(alert, receiver, mark, now)
        self._apply(verdict, incident, row["episode"] if row else 1, alert, now)
        self._refresh(incident, alert, mark, now)
        if alert.status == "firing" and not (row and row["first_bad_at"]):
            recorded.untimed.append(incident)

    def _insert(self, alert: Alert, receiver: str, mark: str, now: float) -> int:
        cursor = self._db.execute(
            "INSERT INTO incidents (fingerprint, starts_at, alertname, severity, rank, labels, annotations, generator_url,"
            " receiver, delivered_at, last_delivery, digest) VALUES (?, ?, ?, ?, ?, '{}', '{}', ?, ?, ?, ?, ?)",
            (alert.fingerprint, alert.started, alert.name, alert.severity, SEVERITIES.index(alert.severity),
             alert.generator_url, receiver, now, now, mark),
        )  # fmt: skip
        incident = cursor.lastrowid
        assert incident is not None
        self._event(incident, alert.started, "firing")
        return incident

    def _apply(self, verdict: Verdict, incident: int, episode: int, alert: Alert, now: float) -> None:
        if verdict is Verdict.REPEAT:
            self._repeated(incident, now)
            return
        if verdict is Verdict.REOPEN:
            episode += 1
            self._db.execute(
                "UPDATE incidents SET episode = ?, resolved_at = NULL, resolved_delivered_at = NULL, acknowledged_at = NULL,"
                " acknowledged_by = '', acknowledged_comment = '' WHERE id = ?",
                (episode, incident),
            )
        self._db.execute(
            "INSERT INTO notifications (incident_id, status, alertname, received_at, episode) VALUES (?, ?, ?, ?, ?)",
            (incident, alert.status, alert.name, now, episode),
        )
        if alert.status == "firing":
            self._event(incident, now, "reopened" if verdict is Verdict.REOPEN else "delivered")
            return
        ended = alert.ended or now
        note = "The firing notification never arrived." if verdict is Verdict.MISSED else ""
        self._event(incident, ended, "resolved")
        self._event(incident, now, "resolved_delivered", note=note)
        self._db.execute("UPDATE incidents SET resolved_at = ?, resolved_delivered_at = ? WHERE id = ?", (ended, now, incident))

    def _repeated(self, incident: int, now: float) -> None:
        """One line of the timeline counts all reminders: an alert that fires for weeks must not grow without bound."""
        changed = self._db.execute(
            "UPDATE events SET at = ?, count = count + 1 WHERE incident_id = ? AND kind = 'renotified'", (now, incident)
        )
        if not changed.rowcount:
            self._event(incident, now, "renotified")

    def _refresh(self, incident: int, alert: Alert, mark: str, now: float) -> None:
        """The latest words count: annotations carry the value of now."""
        self._db.execute(
            "UPDATE incidents SET last_delivery = ?, digest = ?, labels = ?, annotations = ? WHERE id = ?",
            (now, mark, json.dumps(alert.labels), json.dumps(alert.annotations), incident),
        )

    def _event(self, incident: int, at: float, kind: str, who: str = "", note: str = "") -> None:
        self._db.execute(
            "INSERT INTO events (incident_id, at, kind, who, note) VALUES (?, ?, ?, ?, ?)", (incident, at, kind, who, note)
        )

    def timed(self, known: Mapping[int, FirstBad], unknown: Mapping[int, str]) -> list[int]:
        """Keeps first bad samples by incident, or why they are not known; returns the incidents that were not timed before."""
        with self._transaction():
            self._db.executemany(
                "UPDATE incidents SET first_bad_unknown = ? WHERE id = ? AND first_bad_at IS NULL AND first_bad_unknown != ?",
                [(reason, incident, reason) for incident, reason in unknown.items()],
            )
            return [incident for incident, found in known.items() if self._first_bad(incident, found)]

    def _first_bad(self, incident: int, found: FirstBad) -> bool:
        changed = self._db.execute(
            "UPDATE incidents SET first_bad_at = ?, first_bad_unknown = '', value = ? WHERE id = ? AND first_bad_at IS NULL",
            (found.at, found.value, incident),
        )
        if changed.rowcount:
            self._event(incident, found.at, "first_bad")
        return bool(changed.rowcount)

    def acknowledge(self, incident: int, who: str, comment: str, now: float) -> str:
        """Marks an open incident as somebody's: `done`; or `unknown`, `resolved`, `already` and nothing is written."""
        with self._transaction():
            row = self._db.execute("SELECT resolved_at, acknowledged_at FROM incidents WHERE id = ?", (incident,)).fetchone()
            if row is None:
                return "unknown"
            if row["resolved_at"] is not None:
                return "resolved"
            if row["acknowledged_at"] is not None:
                return "already"
            self._db.execute(
                "UPDATE incidents SET acknowledged_at = ?, acknowledged_by = ?, acknowledged_comment = ? WHERE id = ?",
                (now, who, comment, incident),
            )
            self._event(incident, now, "acknowledged", who, comment)
            return "done"

    def silenced(self, incident: int, who: str, note: str, now: float) -> None:
        """Notes in the timeline of `incident`, if there is one, that a silence was made for it."""
        with self._transaction():
            if self._db.execute("SELECT 1 FROM incidents WHERE id = ?", (incident,)).fetchone():
                self._event(incident, now, "silenced", who, note)

    def forget_resolved(self, before: float, at_most: int = 500) -> int:
        """Removes up to `at_most` incidents that were resolved before that Unix time; returns how many."""
        with self._transaction():
            cursor = self._db.execute(
                "DELETE FROM incidents WHERE id IN (SELECT id FROM incidents WHERE resolved_at < ? ORDER BY resolved_at LIMIT ?)",
                (before, at_most),
            )
            return cursor.rowcount

    def post(self, event: Posted) -> Posted:
        """Keeps an event that a program posted; returns it with its id. Above `MOST_POSTED` the oldest go."""
        with self._transaction():
            cursor = self._db.execute(
                "INSERT INTO posted (kind, title, starts_at, ends_at, tags, link) VALUES (?, ?, ?, ?, ?, ?)",
                (event.kind, event.title, event.starts_at, event.ends_at, json.dumps(event.tags), event.link),
            )
            assert cursor.lastrowid is not None
            self._db.execute("DELETE FROM posted WHERE id <= ?", (cursor.lastrowid - MOST_POSTED,))
            return replace(event, id=cursor.lastrowid)

    def forget_posted(self, before: float) -> int:
        """Removes posted events that were over before that Unix time; returns how many."""
        with self._transaction():
            return self._db.execute("DELETE FROM posted WHERE coalesce(ends_at, starts_at) < ?", (before,)).rowcount

    def check(self) -> None:
        """Takes the write lock and gives it back. Raises sqlite3.Error when nothing can be written."""
        with self._transaction():
            self._set_meta(_CHECKED, "1")

    def watchdog_at(self) -> float | None:
        """Unix time of the last Watchdog; None before the first."""
        value = self._meta(_WATCHDOG_AT)
        return float(value) if value else None

    def form_token(self) -> str:
        """The secret that forms of our own pages carry; made at the first start."""
        found = self._meta(_FORM_TOKEN)
        if not found:
            found = secrets.token_urlsafe(32)
            with self._transaction():
                self._set_meta(_FORM_TOKEN, found)
        return found

    def _meta(self, key: str) -> str:
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return str(row["value"]) if row else ""

    def _set_meta(self, key: str, value: str) -> None:
        self._db.execute("INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", (key, value))
