"""What the API can do: each operation once, with the types of what it takes and tells. The document is made from these."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, TypeAlias

from msgspec import Struct

from stream.auth import ANONYMOUS, Identity


class NoQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """No parameters."""


@dataclass(frozen=True)
class Asked:
    """A request that has passed every check: its parameters, its body, who asks."""

    query: Any
    body: Any = None
    identity: Identity = ANONYMOUS


@dataclass(frozen=True)
class Answer:
    """What is told. `made` is when its content was made (Unix time, s).

    `keep` is how long the same bytes serve (s; 0: once), `lifetime` how long after `made` an edge may keep it (s; 0: not at all),
    `own` the same for the client's own cache, and `stale` for how long after that the edge may tell it while it asks anew.
    `identity` is its content without what changes by itself.
    """

    data: Struct
    made: float = 0.0
    keep: float = 0.0
    lifetime: int = 0
    own: int = 0
    stale: int = 0
    identity: Any = None


Handle: TypeAlias = Callable[[Asked], Awaitable[Answer]]


@dataclass(frozen=True)
class Operation:
    """One method of one path. `answer` is the type of its 200; `errors` its other statuses, beside those that all have."""

    path: str
    summary: str
    description: str
    answer: type[Struct]
    handle: Handle
    method: str = "GET"
    query: type[Struct] = NoQuery
    body: type[Struct] | None = None
    errors: tuple[HTTPStatus, ...] = ()
    tags: tuple[str, ...] = ()  # by which the edge drops its answers: cache keys and kinds that they are made from
    rooms: tuple[str, ...] = ()  # whose data it tells, or what is made from them: it demands their scopes too
    open: bool = False  # to everybody, whatever the site demands of the others

    @property
    def name(self) -> str:
        """The last part of its path: what `stream.api.scopes` calls it, and its operationId."""
        return self.path.rpartition("/")[2]
