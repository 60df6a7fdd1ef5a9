"""The lane: order, giving up, going on, never starting a task twice."""

import threading
from collections.abc import Callable
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporters.lane import Batch, Lane
from tests.waiting import until


class Recorder:
    """Tasks that note that they ran; some wait for a gate, as a hung call does."""

    def __init__(self) -> None:
        self.ran: list[int] = []
        self.gate = threading.Event()
        self.ended = threading.Event()

    def quick(self, number: int) -> None:
        self.ran.append(number)

    def hang(self, number: int) -> None:
        self.ran.append(number)
        self.gate.wait()

    def tasks(self, hanging: list[bool]) -> list[Callable[[], None]]:
        return [partial(self.hang if hangs else self.quick, number) for number, hangs in enumerate(hanging)]


def finish(lane: Lane, batch: Batch, hanging: list[bool]) -> None:
    """Gives up every task that hangs, until the batch is done."""

    def step() -> bool:
        current = batch.running()
        if current and hanging[current[0]]:
            lane.give_up(batch, current[0])
        return batch.done

    until("the batch is done", step)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.booleans(), max_size=12))
def test_each_task_runs_once_in_order_whatever_hangs(hanging: list[bool]) -> None:
    recorder, lane = Recorder(), Lane("test")
    batch = lane.submit(recorder.tasks(hanging), recorder.ended.set)
    finish(lane, batch, hanging)
    assert recorder.ended.wait(5)
    assert recorder.ran == list(range(len(hanging)))
    recorder.gate.set()  # what hung comes back, and must not run the rest again
    second = Recorder()
    lane.submit(second.tasks([False] * 3), second.ended.set)
    assert second.ended.wait(5)
    assert recorder.ran == list(range(len(hanging)))
    assert second.ran == [0, 1, 2]
    lane.close()
    until("its threads have ended", lambda: not any(thread.name == "test" for thread in threading.enumerate()))


def test_a_batch_behind_a_hung_one_is_not_lost() -> None:
    first, second, lane = Recorder(), Recorder(), Lane("test")
    stuck = lane.submit(first.tasks([True, False]), first.ended.set)
    waiting = lane.submit(second.tasks([False]), second.ended.set)
    until("the first task hangs", stuck.running)
    assert waiting.running() is None
    assert lane.give_up(stuck, 0)
    assert second.ended.wait(5)
    assert first.ran == [0, 1]
    assert first.ended.is_set()
    first.gate.set()
    lane.close()


def test_a_task_that_has_ended_is_not_given_up() -> None:
    recorder, lane = Recorder(), Lane("test")
    batch = lane.submit(recorder.tasks([False]), recorder.ended.set)
    assert recorder.ended.wait(5)
    assert not lane.give_up(batch, 0)
    assert not batch.cancel() or batch.done
    lane.close()


def test_all_that_is_left_can_be_given_up() -> None:
    recorder, lane = Recorder(), Lane("test")
    batch = lane.submit(recorder.tasks([True, False, False]), recorder.ended.set)
    until("the first task hangs", batch.running)
    assert lane.give_up(batch, 0, all_left=True)
    assert batch.done
    recorder.gate.set()
    lane.close()
    until("its threads have ended", lambda: not any(thread.name == "test" for thread in threading.enumerate()))
    assert recorder.ran == [0]


def test_a_batch_that_waits_can_be_cancelled() -> None:
    first, second, lane = Recorder(), Recorder(), Lane("test")
    stuck = lane.submit(first.tasks([True]), first.ended.set)
    waiting = lane.submit(second.tasks([False]), second.ended.set)
    until("the first task hangs", stuck.running)
    assert waiting.cancel()
    assert waiting.done
    first.gate.set()
    assert second.ended.wait(5)
    assert second.ran == []
    lane.close()


@pytest.mark.parametrize("count", [0, 1])
def test_a_batch_without_work_wakes_too(count: int) -> None:
    recorder, lane = Recorder(), Lane("test")
    batch = lane.submit(recorder.tasks([False] * count), recorder.ended.set)
    assert recorder.ended.wait(5)
    assert batch.done
    lane.close()
