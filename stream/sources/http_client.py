"""A source by HTTP: asked again and again, each answer one message of JSON."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import aiohttp

from stream.sources.address import shown, told
from stream.sources.base import Description, SourceError
from stream.sources.live import Link

MOST_BYTES = 8 * 2**20  # of one answer
_ANSWER_SECONDS = 10.0


class HttpTransport:
    """Asks `url` every `poll` seconds. A redirect is a failure: the key must not follow it anywhere."""

    drops_when_stale = False

    def __init__(self, url: str, headers: Mapping[str, str], poll: float) -> None:
        self._url = url
        self._headers = {"Accept": "application/json", **headers}
        self._poll = poll
        self.description = Description("http", shown(url))

    async def session(self, link: Link) -> None:
        """Brings answers until one fails, which it says by SourceError."""
        timeout = aiohttp.ClientTimeout(total=_ANSWER_SECONDS)
        try:
            async with aiohttp.ClientSession(timeout=timeout, headers=self._headers) as session:
                content = await self._ask(session)
                link.connected()
                while True:
                    link.message(content)
                    await asyncio.sleep(self._poll)
                    content = await self._ask(session)
        except TimeoutError as error:
            raise SourceError("timeout", f"no answer within {_ANSWER_SECONDS:g} s") from error
        except aiohttp.ClientConnectorError as error:
            raise SourceError("refused", str(error)) from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise SourceError("protocol", told(error)) from error

    async def _ask(self, session: aiohttp.ClientSession) -> bytes:
        async with session.get(self._url, allow_redirects=False) as answer:
            if answer.status != 200:
                raise SourceError("status", f"answered with {answer.status}")
            found = bytearray()
            async for part in answer.content.iter_chunked(65_536):
                found += part
                if len(found) > MOST_BYTES:
                    raise SourceError("protocol", f"the answer is larger than {MOST_BYTES} bytes")
            return bytes(found)
