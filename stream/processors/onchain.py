"""On-chain figures: each the mean over the window, or the last one known where the window has none; flows netted."""

from __future__ import annotations

from bisect import insort
from typing import Any

from stream.messages import ONCHAIN, Update
from stream.processors.base import Processor, mean, rounded
from stream.sources.base import RawMessage

FIGURES = ("mvrv", "nupl", "sopr", "active_addresses", "exchange_inflow", "exchange_outflow")


class OnchainSymbol:
    """What is kept of one symbol: the values of each figure within the window, by time."""

    def __init__(self, window_ms: int) -> None:
        self._window = window_ms
        self._values: dict[str, list[tuple[int, float]]] = {name: [] for name in FIGURES}

    def take(self, message: RawMessage) -> None:
        """Takes the figures that the item has."""
        for name, values in self._values.items():
            if name in message.payload:
                insort(values, (message.source_ms, float(message.payload[name])))

    def update(self, symbol: str, newest_ms: int) -> Update:
        """What is told of the symbol."""
        known = {name: self._value(values, newest_ms - self._window) for name, values in self._values.items()}
        inflow, outflow = known["exchange_inflow"], known["exchange_outflow"]
        netflow = inflow - outflow if inflow is not None and outflow is not None else None
        addresses = known["active_addresses"]
        data: dict[str, Any] = {"symbol": symbol, "time": newest_ms}
        data |= {name: rounded(value) for name, value in known.items()}
        data |= {"active_addresses": None if addresses is None else round(addresses), "netflow": rounded(netflow)}
        return Update(ONCHAIN, symbol, data, newest_ms, known["mvrv"])

    @staticmethod
    def _value(values: list[tuple[int, float]], after_ms: int) -> float | None:
        first = next((i for i, (at, _) in enumerate(values) if at > after_ms), max(len(values) - 1, 0))
        del values[:first]
        return mean(value for _, value in values) if values else None


class OnchainProcessor(Processor):
    """The processor of on-chain figures."""

    name = "onchain"
    room = ONCHAIN

    def new_symbol(self) -> OnchainSymbol:
        """What is kept of a new symbol."""
        return OnchainSymbol(self.shape.window_ms)
