"""Every error code and close code of the protocol, with its meaning: the one list that server, guide and tests share."""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import Self


class ErrorCode(StrEnum):
    """What an `error` message, or the `code` of a refused HTTP request, says; stable words for programs."""

    meaning: str
    remedy: str

    def __new__(cls, value: str, meaning: str, remedy: str) -> Self:
        """A member that is its word and carries its documentation."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        member.remedy = remedy
        return member

    # -- messages ----------------------------------------------------------------------------------------------------
    BAD_MESSAGE = "bad-message", "The frame is not one JSON object (or MessagePack map).", "Send one object a frame."
    UNKNOWN_TYPE = "unknown-type", "The `type` is not one that the server knows.", "Use a type of this guide."
    BAD_FIELD = "bad-field", "A field of the message has the wrong type or is missing.", "The message names the field."
    UNKNOWN_ROOM = "unknown-room", "No room has that name.", "Ask for the rooms by `list`."
    BAD_FILTER = "bad-filter", "The filters are not understood.", "Use `symbols`, `fields` and `min_change` as described."
    NOT_SUBSCRIBED = "not-subscribed", "The connection has no subscription to that room.", "Nothing: there is none to end."
    TOO_MANY_SUBSCRIPTIONS = "too-many-subscriptions", "The connection holds as many subscriptions as it may.", "End one first."
    RATE_LIMITED = "rate-limited", "Messages come faster than a client may send them; this one was ignored.", "Send fewer."
    # -- identity ----------------------------------------------------------------------------------------------------
    AUTH_REQUIRED = "auth-required", "The server accepts no anonymous clients.", "Send `auth` with a token first."
    FORBIDDEN = "forbidden", "The room demands a scope that the connection does not have.", "Send `auth` with such a token."
    BAD_TOKEN = "bad-token", "The token is malformed, or its signature is wrong.", "Get a new token."
    TOKEN_EXPIRED = "token-expired", "The token's time is over.", "Get a new token."
    TOKEN_REVOKED = "token-revoked", "The token, or its key, was withdrawn.", "Ask who issued it."
    # -- connections -------------------------------------------------------------------------------------------------
    BAD_HANDSHAKE = "bad-handshake", "The request is no WebSocket handshake of version 13.", "Send the headers of RFC 6455."
    BAD_ORIGIN = "bad-origin", "The page's origin may not connect.", "Add it to `stream.allowed_origins`."
    UNKNOWN_HOST = "unknown-host", "The server is not known by that name.", "Add it to `stream.allowed_hosts`."
    TOO_MANY_CONNECTIONS = "too-many-connections", "The address holds as many connections as it may.", "Close one first."
    REQUEST_TOO_SLOW = "request-too-slow", "The request's headers, or its body, did not arrive in time.", "Send them at once."
    HEADERS_TOO_LARGE = "headers-too-large", "The request's line and headers are too large.", "Send less."
    BAD_REQUEST = "bad-request", "The request is not HTTP, or has what it may not have.", "Correct the request."
    NOT_FOUND = "not-found", "There is nothing at that path.", "See the guide for the paths."
    METHOD_NOT_ALLOWED = "method-not-allowed", "The path does not answer that method.", "Use a method of `Allow`."
    SHUTTING_DOWN = "shutting-down", "The server is stopping.", "Connect again after a moment."
    INTERNAL = "internal", "The server made a mistake; its log has the details.", "Report the request id."


class CloseCode(IntEnum):
    """How a connection ends: codes of RFC 6455, and our own from 4400 on."""

    meaning: str
    retry: bool

    def __new__(cls, value: int, meaning: str, retry: bool) -> Self:  # noqa: FBT001  # members read like a table
        """A member that is its number; `retry` tells a client whether to connect again by itself."""
        member = int.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        member.retry = retry
        return member

    NORMAL = 1000, "The connection ended in good order, as the client asked.", True
    GOING_AWAY = 1001, "The server is stopping; connect again and resume.", True
    PROTOCOL_ERROR = 1002, "A frame breaks RFC 6455: unmasked, reserved bits or opcode, bad control frame.", False
    UNSUPPORTED_DATA = 1003, "A binary frame on a JSON connection, or a text frame on a MessagePack one.", False
    BAD_DATA = 1007, "A text message is not UTF-8, or a compressed one cannot be inflated.", False
    POLICY = 1008, "What the client did is not allowed; the reason says what.", False
    TOO_BIG = 1009, "A message is larger than the server takes, counted after inflation.", False
    INTERNAL_ERROR = 1011, "The server made a mistake; connect again.", True
    OFFENCES = 4400, "Too many messages that the server could not use.", False
    UNAUTHORIZED = 4401, "The connection's token expired or was revoked, or none was sent in time.", False
    TOO_SLOW = 4408, "The client reads slower than the server sends; connect again and resume.", True
    NO_PONG = 4409, "The client answered no ping for 30 s.", True
    IDLE = 4410, "The connection had no subscription for too long.", False
    FLOOD = 4429, "The client kept sending faster than it may.", False


CLOSE_CODES = {int(code): code for code in CloseCode}

# How many messages that cannot be used, and how many ignored by the rate limit, a minute, close a connection.
MOST_OFFENCES = 20
MOST_IGNORED = 200
OFFENCE_WINDOW = 60.0  # seconds
RESUME_COST = 10  # messages, as which a subscription that resumes counts: the room's history is searched, and sent again


def should_retry(code: int) -> bool:
    """Whether a client connects again by itself after this close code; unknown ones and lost connections (1006): yes."""
    known = CLOSE_CODES.get(code)
    return known is None or known.retry
