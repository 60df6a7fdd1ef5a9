"""One thread that runs tasks in turn; a task that hangs keeps its thread, the rest go on on a new one.

A thread per task would protect as well, but starting and switching thirty threads costs more than most tasks do.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from queue import SimpleQueue

Task = Callable[[], None]


class Batch:
    """Tasks in order, and how far they got. A task handles its own exceptions."""

    def __init__(self, tasks: Sequence[Task], wake: Callable[[], None]) -> None:
        self._tasks = tasks
        self._wake = wake
        self._lock = threading.Lock()
        self._owner: threading.Thread | None = None
        self._index = 0
        self._started = 0.0  # of the running task, by time.monotonic(); 0 before the first one
        self._ended = False

    @property
    def done(self) -> bool:
        """True when every task has ended or was given up."""
        return self._ended

    def running(self) -> tuple[int, float] | None:
        """The running task's index and for how many seconds it has run; None when none runs."""
        with self._lock:
            if self._ended or not self._started:
                return None
            return self._index, time.monotonic() - self._started

    def run(self) -> bool:
        """Runs what is left on this thread; False when this thread was given up meanwhile and must end."""
        me = threading.current_thread()
        with self._lock:
            self._owner = me
        while True:
            with self._lock:
                if self._owner is not me:
                    return False
                if self._ended or self._index >= len(self._tasks):
                    self._ended = True
                    break
                task = self._tasks[self._index]
                self._started = time.monotonic()
            task()
            with self._lock:
                if self._owner is not me:
                    return False
                self._index += 1
                self._started = 0.0  # between two tasks nothing can be given up
        self._wake()
        return True

    def give_up(self, index: int, *, all_left: bool = False) -> bool:
        """Takes task `index` from its thread, with `all_left` those after it too; False when it ended meanwhile."""
        with self._lock:
            if self._ended or self._index != index or not self._started:
                return False
            self._owner = None
            self._index += 1
            self._started = 0.0
            if all_left:
                self._ended = True
            return True

    def cancel(self) -> bool:
        """Drops a batch that no thread has begun; False when one has."""
        with self._lock:
            if self._started:
                return False
            self._ended = True
            return True


class Lane:
    """Runs batches one after another. Threads are daemons: a hung one must not keep the process from ending."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._inbox: SimpleQueue[Batch | None] = SimpleQueue()
        self._alive = False

    def submit(self, tasks: Sequence[Task], wake: Callable[[], None]) -> Batch:
        """Queues tasks; `wake` is called on the lane's thread after the last one."""
        batch = Batch(tasks, wake)
        if not self._alive:
            self._start(self._inbox)
        self._inbox.put(batch)
        return batch

    def give_up(self, batch: Batch, index: int, *, all_left: bool = False) -> bool:
        """Gives up the hung task `index`; the rest of the batch, and later ones, run on a new thread."""
        if not batch.give_up(index, all_left=all_left):
            return False
        old, self._inbox = self._inbox, SimpleQueue()
        self._inbox.put(batch)
        while not old.empty():  # batches that wait behind the hung task
            self._inbox.put(old.get_nowait())
        self._start(self._inbox)
        return True

    def close(self) -> None:
        """Ends the thread after what is queued."""
        self._inbox.put(None)
        self._alive = False

    def _start(self, inbox: SimpleQueue[Batch | None]) -> None:
        self._alive = True
        threading.Thread(target=self._work, args=(inbox,), name=self._name, daemon=True).start()

    @staticmethod
    def _work(inbox: SimpleQueue[Batch | None]) -> None:
        while (batch := inbox.get()) is not None:
            if not batch.run():
                return
