"""What goes wrong with the data store, as its callers see it.

    StoreError
    ├── UnavailableError    no server answers, or it went away
    ├── BusyError           no connection became free in time
    └── TooSlowError        the statement ran into its timeout

What the server refuses for other reasons is a psycopg.Error: a defect of ours.
"""

from __future__ import annotations


class StoreError(Exception):
    """The data store did not do what it was asked."""

    reason = "refused"  # the label of metrics/database.py


class UnavailableError(StoreError):
    """No server answers, or the connection broke."""

    reason = "unavailable"


class BusyError(StoreError):
    """All connections of the pool are in use, and none became free in time."""

    reason = "pool"


class TooSlowError(StoreError):
    """The statement was ended by its timeout."""

    reason = "timeout"
