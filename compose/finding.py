"""What `make doctor` finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warning", "problem"]


@dataclass(frozen=True)
class Finding:
    """One look: what was looked at, how it is, and what to do about it."""

    what: str
    level: Level
    words: str
    fix: str = ""
