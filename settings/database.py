"""The section `database:` of `site.yaml`: where the data store is, and how it is used."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, field

from metrics.durations import seconds
from settings.basic import Duration, FileOrNone, Section, Size, in_bytes

SPARE_CONNECTIONS = 20  # of the server's max_connections, for people, backups and exporters


class Pool(Section, frozen=True):
    """Connections of this appliance's processes, together; each process gets a share."""

    min: Annotated[int, Meta(ge=0, le=1000, description="Connections that stay open.")] = 5
    max: Annotated[
        int, Meta(ge=10, le=1000, description="Connections at most; with 20 more it must fit into the server's max_connections.")
    ] = 50
    idle: Annotated[Duration, Meta(description="A connection above `min` that is idle for so long is closed.")] = "30s"
    acquire: Annotated[Duration, Meta(description="A caller that gets no connection within this time gets an error.")] = "10s"

    def __post_init__(self) -> None:
        """Refuses more connections that stay than there may be, and waits of no time."""
        if self.min > self.max:
            msg = f"min {self.min} is above max {self.max}: lower it"
            raise ValueError(msg)
        for name in ("idle", "acquire"):
            if seconds(getattr(self, name)) <= 0:
                msg = f"{name} is {getattr(self, name)}: give a duration above zero"
                raise ValueError(msg)


class Database(Section, frozen=True):
    """The data store, PostgreSQL."""

    url_file: Annotated[
        FileOrNone,
        Meta(description="A file that holds the URL of your PostgreSQL, password included; empty: the appliance's own."),
    ] = ""
    replica_url_file: Annotated[
        FileOrNone, Meta(description="The same for a read replica: reads go there while it keeps up; empty: there is none.")
    ] = ""
    replica_lag: Annotated[Duration, Meta(description="A replica that is further behind is not read from.")] = "10s"
    pool: Annotated[Pool, Meta(description="Connections.")] = field(default_factory=Pool)
    statement_timeout: Annotated[
        Duration, Meta(description="A query that runs longer is ended; COPY, migrations and maintenance are exempt.")
    ] = "1s"
    partition: Annotated[
        Literal["day", "week", "month", "year"], Meta(description="How much time one partition holds, from the next one on.")
    ] = "month"
    partitions_ahead: Annotated[int, Meta(ge=1, le=60, description="Partitions that are made ahead of time.")] = 3
    retention: Annotated[Duration, Meta(description="A partition whose newest row is older has had its time.")] = "400d"
    drop_expired: Annotated[
        bool, Meta(description="Partitions that have had their time are dropped; false: they are told of, and stay.")
    ] = False
    spool: Annotated[
        Size, Meta(description="Rows that wait on disk for the database, at most, for each worker; above this they are lost.")
    ] = "1GB"
    maintain: Annotated[Duration, Meta(description="How often partitions are looked after.")] = "10m"
    optimize: Annotated[Duration, Meta(description="How often indexes, statistics and slow queries are reported on.")] = "1h"

    def __post_init__(self) -> None:
        """Refuses times that are too short to work with."""
        for name, least in (("statement_timeout", "10ms"), ("replica_lag", "1s"), ("retention", "1d"), ("maintain", "1s")):
            if seconds(getattr(self, name)) < seconds(least):
                msg = f"{name} is {getattr(self, name)}: give at least {least}"
                raise ValueError(msg)
        if seconds(self.optimize) < seconds("1m"):
            msg = f"optimize is {self.optimize}: give at least 1m"
            raise ValueError(msg)
        if in_bytes(self.spool) < in_bytes("1MB"):
            msg = f"spool {self.spool} is below 1MB: rows must have somewhere to wait"
            raise ValueError(msg)
