"""Clients that account for every number: received once, or told of by a gap."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from stream.following import HAND_OUT, REPAIR, Following


@dataclass
class Account:
    """What one client got of one room: numbers by epoch, and the gaps that it was told."""

    following: Following
    got: dict[str, Counter[int]] = field(default_factory=dict)
    gaps: list[dict[str, Any]] = field(default_factory=list)
    begins: dict[str, int] = field(default_factory=dict)  # epoch -> the number of its first initial data
    returns: int = 0

    def take(self, message: dict[str, Any]) -> bool:
        """Books one message; whether it shows a loss."""
        if message["type"] == "initial-data":
            self.begins.setdefault(message["epoch"], message["seq"])
        elif message["type"] == "gap":
            self.gaps.append(message)
        step = self.following.take(message)
        if message["type"] == "data" and step is HAND_OUT:
            self.got.setdefault(message["epoch"], Counter())[message["seq"]] += 1
        return step is REPAIR

    def missing(self, epoch: str, last: int) -> set[int]:
        """Numbers of an epoch up to `last` that neither came nor were told as missing."""
        wanted = set(range(self.begins[epoch] + 1, last + 1))
        told = {number for gap in self.gaps for number in range(gap["from"], gap["to"] + 1)}
        return wanted - set(self.got.get(epoch, ())) - told


async def follow(url: str, room: str, stop: asyncio.Event) -> Account:
    """Follows a room until `stop` is set, coming back and resuming whenever the connection ends."""
    account = Account(Following(room))
    async with aiohttp.ClientSession() as http:
        while not stop.is_set():
            try:
                async with http.ws_connect(url, timeout=aiohttp.ClientWSTimeout(ws_close=1)) as client:
                    await _listen(client, account, stop)
            except (aiohttp.ClientError, OSError):
                await asyncio.sleep(0.05)
            account.returns += 1
    return account


async def _listen(client: aiohttp.ClientWebSocketResponse, account: Account, stop: asyncio.Event) -> None:
    await client.send_json(account.following.request())
    ended = asyncio.create_task(stop.wait())
    try:
        while True:
            receive = asyncio.create_task(client.receive())
            await asyncio.wait((receive, ended), return_when=asyncio.FIRST_COMPLETED)
            if not receive.done():
                receive.cancel()
                return
            message = receive.result()
            if message.type is not aiohttp.WSMsgType.TEXT:
                return
            said = json.loads(message.data)
            if said.get("room") == account.following.room and account.take(said):
                await client.send_json(account.following.request())
    finally:
        ended.cancel()
