"""Why a server could not be reached, in words for a page."""

from __future__ import annotations

import os

import aiohttp


def why(error: aiohttp.ClientError) -> str:
    """Where, and what the system said: `127.0.0.1:9093: Connection refused`."""
    if isinstance(error, aiohttp.ClientConnectorError):
        number = error.os_error.errno
        said = os.strerror(number) if number and number > 0 else str(error.os_error)
        return f"{error.host}:{error.port}: {said}"
    return str(error) or type(error).__name__
