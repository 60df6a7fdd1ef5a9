"""The cardinality guard: no metric of one scrape has more series than allowed, and what is cut is counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from operator import itemgetter

from metrics.model import Metric, Sample


def guarded(samples: Sequence[Sample], limit: int) -> tuple[Sequence[Sample], dict[Metric, int]]:
    """The samples with at most `limit` a metric, the first ones, and how many of which metric were cut.

    Collectors yield in an order of their own that does not change from scrape to scrape, so that it is the same series
    that stay.
    """
    if len(samples) <= limit:  # no metric can have more: the usual case costs nothing
        return samples, {}
    over = {metric: count - limit for metric, count in Counter(map(itemgetter(0), samples)).items() if count > limit}
    if not over:
        return samples, {}
    kept: list[Sample] = []
    seen: Counter[Metric] = Counter()
    for sample in samples:
        metric = sample[0]
        if metric in over:
            seen[metric] += 1
            if seen[metric] > limit:
                continue
        kept.append(sample)
    return kept, over
