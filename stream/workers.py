"""`python -m stream --workers N`: N processes that share the port, for a terminal. `make up` has supervisord for that.

A worker that ends is started again; one that ends within 5 s of its start with 1 or 2 cannot run at all, and so end the
others. They end with their parent, even if that is killed.
"""

from __future__ import annotations

import asyncio
import ctypes
import logging
import signal
import sys
from collections.abc import Sequence

from stream.sources.base import pause

MOST = 64  # as stream.workers of site.yaml
_CANNOT = (1, 2)  # exit codes of a worker that cannot listen, or whose settings are wrong
_YOUNG, _AGAIN, _PARENT_DEATH = 5.0, 0.5, 1  # seconds, seconds; PR_SET_PDEATHSIG of prctl(2)
_LOG = logging.getLogger("watchfloor.stream")


def run(count: int, words: Sequence[str]) -> int:
    """Runs the workers until SIGTERM or SIGINT; `words` are the arguments of all. Returns the exit code."""
    return asyncio.run(_run(count, _without_count(words)))


def _without_count(words: Sequence[str]) -> list[str]:
    """The arguments of one worker: those of the parent without `--workers N`."""
    kept, skip = [], False
    for word in words:
        if skip:
            skip = False
        elif word == "--workers":
            skip = True
        elif not word.startswith("--workers="):
            kept.append(word)
    return kept


async def _run(count: int, words: list[str]) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return max(await asyncio.gather(*(_keep(f"{number}/{count}", words, stop) for number in range(count))))


async def _keep(number: str, words: list[str], stop: asyncio.Event) -> int:
    """Runs one worker, again and again; its exit code where it cannot run."""
    loop, stopped = asyncio.get_running_loop(), asyncio.ensure_future(stop.wait())
    while not stop.is_set():
        command = (sys.executable, "-m", "stream", *words, "--worker", number)
        began = loop.time()
        process = await asyncio.create_subprocess_exec(*command, preexec_fn=_end_with_parent)
        ended = asyncio.ensure_future(process.wait())
        await asyncio.wait((ended, stopped), return_when=asyncio.FIRST_COMPLETED)
        if stop.is_set():
            if process.returncode is None:
                process.terminate()
            return max(0, await ended)
        if process.returncode in _CANNOT and loop.time() - began < _YOUNG:
            stop.set()
            return process.returncode
        told = {"event": "worker_ended", "worker": number, "code": process.returncode}
        _LOG.warning("worker %s ended (%s): starting it again", number, process.returncode, extra=told)
        await pause(stop, _AGAIN)
    return 0


def _end_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PARENT_DEATH, signal.SIGTERM)
