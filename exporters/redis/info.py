"""What INFO says, taken apart: fields by name, and the sections that are tables. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

# Newer servers append fields.
_COMMAND = re.compile(
    rb"^cmdstat_([^:\r\n]+):calls=(\d+),usec=(\d+),usec_per_call=[^,\r\n]*(?:,rejected_calls=(\d+),failed_calls=(\d+))?",
    re.MULTILINE,
)
_PERCENTILES = re.compile(rb"^latency_percentiles_usec_([^:\r\n]+):([^\r\n]+)", re.MULTILINE)
_ERROR = re.compile(rb"^errorstat_([^:\r\n]+):count=(\d+)", re.MULTILINE)
_TABLES = (b"Commandstats", b"Latencystats", b"Errorstats", b"Keysizes", b"Cluster Info")


@dataclass(frozen=True)
class Info:
    """`fields` are those of all sections that are no tables, as text; `sections` the others' bodies."""

    fields: dict[str, str]
    sections: dict[bytes, bytes]

    def number(self, name: str) -> float | None:
        """A field's value; None when it is absent or says something else than a number."""
        return number(self.fields.get(name, ""))


def parse(text: bytes) -> Info:
    """Takes INFO's answer apart. What is no `name:value` is left out."""
    sections: dict[bytes, bytes] = {}
    plain: list[bytes] = []
    for part in (b"\r\n" + text).split(b"\r\n# "):
        name, _, body = part.partition(b"\r\n")
        if name in _TABLES:
            sections[name] = body
        else:
            plain.append(body)
            sections[name] = body if name in {b"Keyspace", b"Sentinel"} else b""
    words = b"\r\n".join(plain).decode("utf-8", "backslashreplace").split("\r\n")
    return Info(dict(pair for word in words if len(pair := word.split(":", 1)) == 2), sections)


_STATES = {"ok": 1, "true": 1, "err": 0, "fail": 0, "false": 0}


def number(text: str) -> float | None:
    """`12`, `1.5`, `ok` and `fail` as numbers, integers as such; None for anything else."""
    try:
        return int(text)
    except ValueError:
        try:
            return float(text)
        except ValueError:
            return _STATES.get(text)


def pairs(text: str) -> dict[str, str]:
    """`keys=4,expires=0` as a mapping; what has no `=` is left out."""
    return dict(pair for part in text.split(",") if len(pair := part.split("=", 1)) == 2)


def commands(info: Info) -> list[tuple[bytes, ...]]:
    """(name, calls, microseconds, rejected, failed) of each command; the last two are empty before 6.2."""
    return _COMMAND.findall(info.sections.get(b"Commandstats", b""))


def percentiles(info: Info) -> list[tuple[bytes, bytes]]:
    """(name, `p50=6.015,p99=7.007`) of each command."""
    return _PERCENTILES.findall(info.sections.get(b"Latencystats", b""))


def errors(info: Info) -> list[tuple[bytes, bytes]]:
    """(first word, count) of each kind of error."""
    return _ERROR.findall(info.sections.get(b"Errorstats", b""))


def name_of(raw: bytes) -> str:
    r"""A key's, command's or group's name: bytes that are no UTF-8 as `\xNN`, so that two names stay two."""
    return raw.decode("utf-8", "backslashreplace")
