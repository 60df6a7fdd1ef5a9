"""What clients and server say to each other: frozen types, and their encoding as JSON text or MessagePack.

Times are integer milliseconds UTC, prices are decimal strings. A room's `data` are numbered by `seq` from 1 within an `epoch`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import Meta, Raw, Struct, field

from stream.codes import ErrorCode
from stream.filters import Filters
from stream.history import Entry

PROTOCOL = 1
GREETING = "Connected to real-time data stream"
MARKET, ONCHAIN, SENTIMENT, CANARY = "market-data", "onchain-data", "sentiment-data", "canary"
ROOMS = (MARKET, ONCHAIN, SENTIMENT, CANARY)
SUBPROTOCOL_MSGPACK = "watchfloor.msgpack"

Scalar: TypeAlias = Annotated[str, Meta(max_length=128)] | int | float | bool | None
RoomName: TypeAlias = Annotated[str, Meta(min_length=1, max_length=64)]


class Format(Enum):
    """How messages are written: JSON in text frames, or MessagePack in binary frames."""

    JSON = "json"
    MSGPACK = "msgpack"


@dataclass(frozen=True, slots=True)
class Update:
    """One processed fact about one symbol: what processors emit and rooms number.

    `data` is ready for JSON and contains "symbol". `source_time` is when the source says it happened (ms UTC). `figure` is
    what the filter `min_change` compares.
    """

    room: str
    symbol: str
    data: Mapping[str, Any]
    source_time: int
    figure: float | None = None


# -- client -> server ------------------------------------------------------------------------------------------------
class _Asked(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="type"):
    """What a client sends; unknown keys are refused."""


class Subscribe(_Asked, frozen=True, tag="subscribe"):
    """Wants a room's messages; with `after` and `epoch`, those missed since that number first."""

    room: RoomName
    filters: Filters | None = None
    after: Annotated[int, Meta(ge=0, lt=2**53)] | None = None
    epoch: Annotated[str, Meta(max_length=64)] | None = None


class Unsubscribe(_Asked, frozen=True, tag="unsubscribe"):
    """Wants no more of a room."""

    room: RoomName


class Ping(_Asked, frozen=True, tag="ping"):
    """Measures the way to the server and back; `id` returns in the pong. Liveness is the protocol's own ping."""

    id: Scalar = None


class Auth(_Asked, frozen=True, tag="auth"):
    """Says who it is, by a JWT or an API key."""

    token: Annotated[str, Meta(min_length=1, max_length=8192)]


class List(_Asked, frozen=True, tag="list"):
    """Asks which rooms there are."""


Asked: TypeAlias = Subscribe | Unsubscribe | Ping | Auth | List
ASKED_TYPES = ("subscribe", "unsubscribe", "ping", "auth", "list")


# -- server -> client ------------------------------------------------------------------------------------------------
class _Told(Struct, frozen=True, kw_only=True, tag_field="type", rename="camel"):
    """What the server sends; `type` names it, keys are in camelCase."""


class Connection(_Told, frozen=True, tag="connection"):
    """The first message of every connection."""

    client_id: str
    timestamp: int
    message: str = GREETING
    protocol: int = PROTOCOL


class Subscription(_Told, frozen=True, tag="subscription"):
    """A subscription stands: `seq` is the room's latest number, `resumed` how many missed messages follow."""

    room: str
    timestamp: int
    epoch: str
    seq: int
    resumed: int = 0
    status: Literal["subscribed"] = "subscribed"


class Unsubscription(_Told, frozen=True, tag="unsubscription"):
    """A subscription has ended, or there was none."""

    room: str
    timestamp: int
    status: Literal["unsubscribed"] = "unsubscribed"


class InitialData(_Told, frozen=True, tag="initial-data"):
    """The latest data of each symbol through the filter, consistent with `epoch` and `seq`."""

    room: str
    data: list[Mapping[str, Any]]
    timestamp: int
    epoch: str
    seq: int


class Gap(_Told, frozen=True, tag="gap"):
    """The numbers `from` to `to` may be missing: not kept (history, epoch), conflated for a slow client, or dropped."""

    room: str
    from_: int = field(name="from")
    to: int
    reason: Literal["history", "epoch", "conflated", "dropped"]
    timestamp: int


class Pong(_Told, frozen=True, tag="pong"):
    """The answer to a JSON ping."""

    timestamp: int
    id: Scalar = None


class Authenticated(_Told, frozen=True, tag="auth"):
    """The token was good; `expires` is ms UTC, null for never."""

    scopes: list[str]
    expires: int | None
    status: Literal["authenticated"] = "authenticated"


class RoomInfo(Struct, frozen=True, kw_only=True, rename="camel"):
    """What discovery tells of one room."""

    room: str
    symbols: list[str]
    epoch: str
    seq: int
    scope: str = ""
    replay: bool = False
    source: str = ""


class Rooms(_Told, frozen=True, tag="rooms"):
    """The answer to `list`; also what `GET /api/rooms` answers."""

    rooms: list[RoomInfo]
    timestamp: int
    formats: list[str] = field(default_factory=lambda: [kind.value for kind in Format])
    protocol: int = PROTOCOL


class Error(_Told, frozen=True, tag="error", omit_defaults=True):
    """Something was refused, by a code of the documented list."""

    code: str
    message: str
    timestamp: int
    room: str | None = None


Told: TypeAlias = (
    Connection | Subscription | Unsubscription | InitialData | Gap | Pong | Authenticated | Rooms | Error
)  # `data`, the hot one, is written by `DataWriter`

_JSON_ENCODER, _MSGPACK_ENCODER = msgspec.json.Encoder(), msgspec.msgpack.Encoder()
_JSON_DECODER: msgspec.json.Decoder[Asked] = msgspec.json.Decoder(Asked)
_MSGPACK_DECODER: msgspec.msgpack.Decoder[Asked] = msgspec.msgpack.Decoder(Asked)


def encode(message: object, wanted: Format) -> bytes:
    """A message as a frame's payload. Raises TypeError for data that JSON does not know."""
    return (_JSON_ENCODER if wanted is Format.JSON else _MSGPACK_ENCODER).encode(message)


class RefusedError(Exception):
    """A client's message that is refused, by a code of the documented list; `room` where it is about one."""

    def __init__(self, code: ErrorCode, message: str = "", room: str | None = None) -> None:
        super().__init__(message or f"{code.meaning} {code.remedy}")
        self.code = code
        self.room = room


def decode(payload: str | bytes, used: Format) -> Asked:
    """A client's message. Raises RefusedError with BAD_MESSAGE, UNKNOWN_TYPE, BAD_FIELD or BAD_FILTER."""
    try:
        if used is Format.JSON:
            return _JSON_DECODER.decode(payload)
        assert isinstance(payload, bytes)
        return _MSGPACK_DECODER.decode(payload)
    except msgspec.ValidationError as error:
        raise _explained(payload, used, str(error)) from None
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise RefusedError(ErrorCode.BAD_MESSAGE) from None


def _explained(payload: str | bytes, used: Format, reason: str) -> RefusedError:
    try:
        found = msgspec.json.decode(payload) if used is Format.JSON else msgspec.msgpack.decode(payload)  # type: ignore[arg-type]  # bytes there
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        found = None
    if not isinstance(found, dict):
        return RefusedError(ErrorCode.BAD_MESSAGE)
    if found.get("type") not in ASKED_TYPES:
        return RefusedError(ErrorCode.UNKNOWN_TYPE, f"`type` must be one of {', '.join(ASKED_TYPES)}")
    return RefusedError(ErrorCode.BAD_FILTER if "$.filters" in reason else ErrorCode.BAD_FIELD, reason[:200])


class DataWriter:
    """Writes one numbered `data` message for its filter groups; what they share is encoded once.

    Only `prev`, which stands last, and the selected fields differ from group to group.
    """

    __slots__ = ("_bodies", "_entry", "_epoch", "_parsed", "_room")

    def __init__(self, room: str, epoch: str, entry: Entry) -> None:
        self._room, self._epoch, self._entry = room, epoch, entry
        self._parsed: Mapping[str, Any] | None = None
        self._bodies: dict[tuple[tuple[str, ...], Format], bytes] = {}

    def payload(self, fields: tuple[str, ...], prev: int, wanted: Format) -> bytes:
        """The whole message; `fields` empty means all, else "symbol" and those."""
        key = (fields, wanted)
        body = self._bodies.get(key)
        if body is None:
            body = self._bodies[key] = self._body(fields, wanted)
        if wanted is Format.JSON:
            return b"%b%d}" % (body, prev)
        return body + _MSGPACK_ENCODER.encode(prev)

    def _body(self, fields: tuple[str, ...], wanted: Format) -> bytes:
        """The message up to the value of `prev`."""
        entry = self._entry
        data: object = Raw(entry.data)
        if fields or wanted is not Format.JSON:
            if self._parsed is None:
                self._parsed = msgspec.json.decode(entry.data)
            data = select(self._parsed, fields)
        message = {
            "type": "data", "room": self._room, "data": data, "timestamp": entry.timestamp, "epoch": self._epoch,
            "seq": entry.seq, "sourceTime": entry.source_time, "prev": 0,
        }  # fmt: skip
        encoded = encode(message, wanted)
        return encoded[:-2] if wanted is Format.JSON else encoded[:-1]  # without `0}`, or the one byte of 0


def select(data: Mapping[str, Any], fields: tuple[str, ...]) -> Mapping[str, Any]:
    """The fields asked for, and "symbol"; all where none are named."""
    if not fields:
        return data
    return {name: data[name] for name in ("symbol", *fields) if name in data}
