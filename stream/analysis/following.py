"""Follows the stream as any client does, and hands the engine what it tells; comes back by itself after whatever happens."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from metrics import analysis as ai
from metrics.instruments import Instruments
from stream.analysis.engine import Engine
from stream.client import Client
from stream.following import Following
from stream.messages import MARKET, ONCHAIN, SENTIMENT

ROOMS = (MARKET, ONCHAIN, SENTIMENT)
_AFTER_REFUSAL = 10.0  # seconds; settings must change before it makes sense to ask again
_LOG = logging.getLogger("watchfloor.analysis")


class Follower:
    """Keeps the engine's market up to date from the stream at `url` (`ws://…/ws`)."""

    def __init__(self, engine: Engine, url: str, token: str, counts: Instruments) -> None:
        self._engine, self._url, self._token, self._counts = engine, url, token, counts
        self.trouble = "the stream has not answered yet"

    async def run(self) -> None:
        """Follows until it is cancelled."""
        while True:
            client = Client(
                self._url, [Following(room) for room in ROOMS], self._token, hand_out=self._told, say=self._troubled
            )  # fmt: skip
            await client.run()
            await asyncio.sleep(_AFTER_REFUSAL)

    def _troubled(self, text: str) -> None:
        if not self.trouble:
            _LOG.warning("the stream: %s", text, extra={"event": "stream_lost"})
        self.trouble = text
        self._counts.inc(ai.RECONNECTS)

    def _told(self, message: Mapping[str, Any]) -> None:
        if self.trouble:
            _LOG.info("follows the stream at %s", self._url, extra={"event": "stream_followed"})
            self.trouble = ""
        data = message["data"]
        for one in data if message["type"] == "initial-data" else (data,):
            self._take(message["room"], one)

    def _take(self, room: str, data: Mapping[str, Any]) -> None:
        try:
            self._engine.market.take(room, data, int(data["time"]))
        except (KeyError, TypeError, ValueError):  # a figure that is none must not end the connection
            self._counts.inc(ai.BAD_MESSAGES, room)
