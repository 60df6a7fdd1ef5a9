"""What a runbook says to check, as programs can use it: commands, questions to Prometheus, SQL. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from metrics import catalog

SECTIONS = (
    "Meaning", "Impact", "What it cannot see", "First steps", "Tune it",
    "How to check", "How to mitigate", "How to prevent",
)  # fmt: skip
# Programs that only look; what else a runbook names is for a person to type.
_LOOKING = frozenset({
    "cat", "chronyc", "curl", "date", "df", "dmesg", "du", "free", "getent", "iostat", "iotop", "ip", "journalctl", "ls", "lsof",
    "mount", "openssl", "ping", "promtool", "ps", "sensors", "ss", "stat", "timedatectl", "top", "uptime", "vmstat",
})  # fmt: skip
_BY_HAND = frozenset({"kill", "make", "psql", "python", "python3", "redis-cli", "systemctl", "varnishadm"})
_QUICK = frozenset({"cat", "date", "df", "free", "ps", "ss", "timedatectl", "uptime"})  # end by themselves, within a second
_CHANGES = re.compile(r"[>;&]|\s-(?:X|d|o|O|T)\b|--data(?!-urlencode)|--request|\bxargs\b")
_PLACE = re.compile(r"\b(?:[A-Z][A-Z_]{2,}|PID|IP)\b")
# Written large, and no place: what SQL is made of.
_SQL_WORDS = re.compile(r"\b(?:SELECT|FROM|WHERE|NOT|AND|OR|ORDER BY|GROUP BY|DESC|ASC|LIMIT|SHOW|EXPLAIN|AS|ON|JOIN)\b")
_CODE = re.compile(r"`([^`\n]+)`|^```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)
_REDIS = re.compile(r"(?i)^(?:info|config get|client list|slowlog get|memory|latency|lastsave|cluster|sentinel)\b")
_SQL = re.compile(r"(?i)^(?:select|show|explain)\b")
Kind = Literal["command", "query", "sql", "redis", "words"]


@dataclass(frozen=True)
class Check:
    """One thing to look at; `runs` tells that a program may do it alone, at once, without changing anything."""

    kind: Kind
    text: str
    runs: bool


def has_place(line: str) -> bool:
    """Whether a person has something to fill in there."""
    return bool(_PLACE.search(_SQL_WORDS.sub(" ", line)))


def section(text: str, title: str) -> str:
    """What stands below a heading of a runbook, up to the next one; empty where there is no such heading."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return found[1].strip() if found else ""


def checks(text: str) -> list[Check]:
    """Every piece of code below "How to check"."""
    return list(_checks(section(text, "How to check")))


def _checks(text: str) -> Iterator[Check]:
    for inline, block in _CODE.findall(text):
        for line in (inline or block).strip().splitlines():
            yield _check(line.strip())


def _check(line: str) -> Check:
    program = line.removeprefix("sudo ").split(maxsplit=1)[0] if line else ""
    if _SQL.match(line):
        return Check("sql", line, runs=False)
    if _REDIS.match(line):
        return Check("redis", line, runs=False)
    if program in _LOOKING:
        quick = program in _QUICK or (program == "curl" and " -s" in line)
        return Check("command", line, runs=quick and not _CHANGES.search(line) and not has_place(line.replace("Q_", "")))
    if program in _BY_HAND and " " in line:
        return Check("command", line, runs=False)
    if catalog.read_by(line) and not has_place(line):
        return Check("query", line, runs=True)
    return Check("words", line, runs=False)
