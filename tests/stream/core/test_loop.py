"""How a server's process ends, whatever its tasks do with a cancellation."""

from __future__ import annotations

import asyncio
import subprocess
import sys

from settings.paths import CLONE
from stream.loop import ended

_STORY = """
import asyncio, logging
from stream.loop import choose, run
logging.basicConfig()

async def deaf(times):
    while times:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            times -= 1

async def work():
    task = asyncio.create_task(deaf({times}), name="deaf one")
    globals()["kept"] = task
    await asyncio.sleep(0)

run(work(), choose()[0])
"""


def story(times: int) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", _STORY.format(times=times)]
    return subprocess.run(command, cwd=CLONE, capture_output=True, text=True, timeout=30, check=False)


def test_a_lost_cancellation_is_said_again() -> None:
    done = story(2)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_task_that_never_ends_is_named_and_keeps_nobody_waiting() -> None:
    done = story(1000)
    assert done.returncode == 1
    assert "does not end: deaf one (deaf)" in done.stderr


def test_tasks_are_ended_whatever_they_raise() -> None:
    async def all_of_it() -> list[str]:
        async def loses_one() -> None:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                await asyncio.sleep(60)

        async def fails() -> None:
            raise ValueError

        complaints: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, about: complaints.append(about))
        tasks = [asyncio.create_task(loses_one()), asyncio.create_task(fails()), asyncio.create_task(asyncio.sleep(60))]
        await asyncio.sleep(0)
        names = await ended(tasks)
        assert all(task.done() for task in tasks)
        assert complaints == []
        return names

    assert asyncio.run(all_of_it()) == []
