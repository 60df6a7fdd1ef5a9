"""Fields that a newer kernel tells and no declaration knows: said once, never invented into a name."""

import logging

LOG = logging.getLogger("exporters")


class Unknown:
    """Remembers which fields of a source were reported."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._seen: set[str] = set()

    def note(self, field: str) -> None:
        """Logs a field the first time it is met."""
        if field not in self._seen:
            self._seen.add(field)
            LOG.info("%s: field %r is not declared: it is not exposed", self._source, field)
