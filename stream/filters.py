"""What a subscription lets through. Equal filters have one canonical form, and share state and encoding by it. Pure."""

from __future__ import annotations

from typing import Annotated, NamedTuple, TypeAlias

from msgspec import Meta, Struct

Word: TypeAlias = Annotated[str, Meta(min_length=1, max_length=64)]


class Filters(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A subscription's filters as clients write them; unknown ones are refused.

    `symbols`: these alone. `fields`: these alone, and "symbol". `min_change`: percent by which the figure (the price, say) must
    differ from the last one that was sent.
    """

    symbols: Annotated[list[Word], Meta(min_length=1, max_length=100)] | None = None
    fields: Annotated[list[Word], Meta(min_length=1, max_length=50)] | None = None
    min_change: Annotated[float, Meta(ge=0, le=1000)] | None = None


class Canonical(NamedTuple):
    """The canonical form: equal for all filters that let the same through. Empty and 0 stand for no filter."""

    symbols: frozenset[str] = frozenset()
    fields: tuple[str, ...] = ()
    min_change: float = 0.0

    def takes(self, symbol: str) -> bool:
        """Whether the symbol may pass."""
        return not self.symbols or symbol in self.symbols


EVERYTHING = Canonical()


def canonical(filters: Filters | None) -> Canonical:
    """The canonical form of what a client wrote; symbols are upper case, "symbol" is in every selection of fields."""
    if filters is None:
        return EVERYTHING
    symbols = frozenset(symbol.upper() for symbol in filters.symbols or ())
    fields = tuple(sorted(set(filters.fields or ()) - {"symbol"}))
    if filters.fields and not fields:
        fields = ("symbol",)
    found = Canonical(symbols, fields, filters.min_change or 0.0)
    return EVERYTHING if found == EVERYTHING else found


def changed(last: float | None, figure: float | None, percent: float) -> bool:
    """Whether `figure` differs from the `last` one sent by at least `percent`; what cannot be compared has changed."""
    if percent <= 0 or last is None or figure is None:
        return True
    return figure != last if last == 0 else abs(figure - last) >= abs(last) * percent / 100
