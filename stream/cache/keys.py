"""How keys and patterns look, and which tags of the edge they stand for. Pure."""

from __future__ import annotations

import re
from functools import lru_cache

_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@-]{0,199}")
_PATTERN = re.compile(r"[A-Za-z0-9._:@*?-]{1,200}")
_WILD = re.compile(r"[*?]")
EVERYTHING = "all"  # the tag that every value carries


def checked_key(key: str) -> str:
    """The key itself. Raises ValueError for one that is empty, too long, or holds characters that a URL or pattern would not."""
    if not _KEY.fullmatch(key):
        raise ValueError(f"{key!r} is no cache key: give 1 to 200 letters, digits and . _ : @ -, the first a letter or digit")
    return key


def checked_pattern(pattern: str) -> str:
    """The pattern itself: a key in which `*` stands for any text and `?` for any character. Raises ValueError for another."""
    if not _PATTERN.fullmatch(pattern):
        raise ValueError(f"{pattern!r} is no pattern: give a key in which * stands for any text and ? for one character")
    return pattern


def is_wild(pattern: str) -> bool:
    """Whether a pattern may stand for several keys."""
    return _WILD.search(pattern) is not None


@lru_cache(maxsize=256)
def matcher(pattern: str) -> re.Pattern[str]:
    """The pattern as a regular expression for `fullmatch`; Redis's glob means the same by it."""
    return re.compile(re.escape(pattern).replace(r"\*", ".*").replace(r"\?", "."))


def tags(key: str) -> tuple[str, ...]:
    """The tags that a key implies, widest first: `all`, `analysis`, `analysis:BTC`, `analysis:BTC:risk`."""
    parts = key.split(":")
    return (EVERYTHING, *(":".join(parts[: end + 1]) for end in range(len(parts))))


def covering_tag(pattern: str) -> str:
    """The narrowest tag that covers every key of a pattern: `market-data` for `market-data:*`, `all` for `*-data:BTC`."""
    if not is_wild(pattern):
        return pattern
    fixed = _WILD.split(pattern, maxsplit=1)[0]
    return fixed[: fixed.rfind(":")] if ":" in fixed else EVERYTHING
