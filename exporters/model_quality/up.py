"""Why the data store could not be asked. This collector never fails: that is what it is for."""

from __future__ import annotations

from collections.abc import Iterator

from exporters.model_quality.reading import NAME, Reader
from metrics import stack
from metrics.model import Sample


class Up:
    """Stands last: what the others met is told."""

    name = "up"
    help = "Why the data store could not be asked."
    emits = (stack.TARGET_FAILURE,)

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def collect(self) -> Iterator[Sample]:
        """Every cause at 0 or 1."""
        failure = self._reader.failure
        for name in stack.CAUSES:
            yield stack.TARGET_FAILURE.sample(int(failure is not None and name == failure.cause), NAME, name)
