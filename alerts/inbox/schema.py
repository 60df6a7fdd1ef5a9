"""The inbox's database: SQLite, write-ahead log, every commit on disk before it counts."""

from __future__ import annotations

import sqlite3
from pathlib import Path

VERSION = 2
_BUSY_SECONDS = 2.0  # nobody else writes; a backup may read

# Times are Unix seconds. `episode` grows when an incident fires again under its old start time.
_TABLES = """
CREATE TABLE incidents (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  fingerprint TEXT NOT NULL, starts_at REAL NOT NULL, episode INTEGER NOT NULL DEFAULT 1,
  alertname TEXT NOT NULL, severity TEXT NOT NULL, rank INTEGER NOT NULL,
  labels TEXT NOT NULL, annotations TEXT NOT NULL, generator_url TEXT NOT NULL, receiver TEXT NOT NULL,
  value TEXT NOT NULL DEFAULT '',
  first_bad_at REAL, first_bad_unknown TEXT NOT NULL DEFAULT '',
  delivered_at REAL NOT NULL, last_delivery REAL NOT NULL, digest TEXT NOT NULL,
  acknowledged_at REAL, acknowledged_by TEXT NOT NULL DEFAULT '', acknowledged_comment TEXT NOT NULL DEFAULT '',
  resolved_at REAL, resolved_delivered_at REAL,
  UNIQUE (fingerprint, starts_at)
);
CREATE INDEX incidents_open ON incidents (rank, starts_at DESC) WHERE resolved_at IS NULL;
CREATE INDEX incidents_resolved ON incidents (resolved_at, id) WHERE resolved_at IS NOT NULL;
CREATE INDEX incidents_alertname ON incidents (alertname, id);

CREATE TABLE notifications (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  incident_id INTEGER NOT NULL REFERENCES incidents ON DELETE CASCADE,
  status TEXT NOT NULL, alertname TEXT NOT NULL, received_at REAL NOT NULL, episode INTEGER NOT NULL,
  UNIQUE (incident_id, status, episode)
);
CREATE INDEX notifications_status ON notifications (status, id);
CREATE INDEX notifications_alertname ON notifications (alertname, id);

CREATE TABLE events (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  incident_id INTEGER NOT NULL REFERENCES incidents ON DELETE CASCADE,
  at REAL NOT NULL, kind TEXT NOT NULL, who TEXT NOT NULL DEFAULT '', note TEXT NOT NULL DEFAULT '',
  count INTEGER NOT NULL DEFAULT 1
);
CREATE INDEX events_incident ON events (incident_id, at, id);

CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""


# What programs post about deploys and the like; `events` above are the lines of incidents' timelines.
_POSTED = """
CREATE TABLE posted (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL, title TEXT NOT NULL, starts_at REAL NOT NULL, ends_at REAL,
  tags TEXT NOT NULL DEFAULT '[]', link TEXT NOT NULL DEFAULT ''
);
CREATE INDEX posted_start ON posted (starts_at, id);
"""
_STEPS = (_TABLES, _POSTED)  # the n-th leads to version n


class WrongSchemaError(RuntimeError):
    """The file was written by a newer version of the inbox."""


def connect(path: Path, *, writes: bool) -> sqlite3.Connection:
    """A connection in autocommit mode; transactions are begun by hand.

    Raises sqlite3.Error when the file cannot be used.
    """
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=_BUSY_SECONDS)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    if not writes:
        connection.execute("PRAGMA query_only = ON")
    return connection


def migrate(connection: sqlite3.Connection) -> None:
    """Makes the tables that are lacking. Raises WrongSchemaError for a file of a newer version."""
    found = connection.execute("PRAGMA user_version").fetchone()[0]
    if found > VERSION:
        fix = "start the newer version, or move the file away"
        raise WrongSchemaError(f"it has schema {found}, this inbox knows up to {VERSION}: {fix}")
    if found < VERSION:
        connection.executescript(f"BEGIN IMMEDIATE; {' '.join(_STEPS[found:])} PRAGMA user_version = {VERSION}; COMMIT;")
