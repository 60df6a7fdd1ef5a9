"""Error codes that only the API has; those it shares with the stream are in `stream.codes`."""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class ApiCode(StrEnum):
    """The `code` of a problem; stable words for programs."""

    meaning: str
    remedy: str

    def __new__(cls, value: str, meaning: str, remedy: str) -> Self:
        """A member that is its word and carries its documentation."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.meaning = meaning
        member.remedy = remedy
        return member

    BAD_PARAMETER = "bad-parameter", "A parameter is unknown, given twice, or not what it should be.", "The detail names it."
    BAD_BODY = "bad-body", "The body is not the JSON that the operation takes.", "The detail names the field."
    BODY_TOO_LARGE = "body-too-large", "The body is larger than `stream.api.body_bytes`.", "Send less."
    NOT_JSON = "not-json", "The body's type or encoding is not taken.", "Send `application/json`, not compressed."
    UNKNOWN_CRYPTO = "unknown-crypto", "There is no such currency.", "`GET /api/cryptocurrencies` lists them."
    NO_DATA = "no-data", "Nothing is known yet.", "Ask again after `Retry-After` seconds."
    UNAVAILABLE = "unavailable", "What the answer is made from does not answer.", "Ask again after `Retry-After` seconds."
    OVERLOADED = "overloaded", "More is asked than can be answered in time.", "Ask again after `Retry-After` seconds."
    TOO_LATE = "too-late", "The answer took longer than it may.", "Ask again, or for less."
