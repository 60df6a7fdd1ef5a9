"""The mark `compat` is set and removed in source text, and nothing else changes."""

from __future__ import annotations

import pytest

from metrics.mark import marked

CASES = [
    ('A = Gauge("a", "Ä.")\n', 'A = Gauge("a", "Ä.", compat=True)\n'),
    ('A = Gauge("a", "A.", labels=("x",))  # why\n', 'A = Gauge("a", "A.", labels=("x",), compat=True)  # why\n'),
    ('A = Counter(\n    "a",\n    "A.",\n)\n', 'A = Counter(\n    "a",\n    "A.", compat=True,\n)\n'),
    ('A = Histogram(\n    "a", "A."\n)\n', 'A = Histogram(\n    "a", "A.", compat=True\n)\n'),
    ('T = (Gauge("a", "A."), Gauge("b", "B."))\n', 'T = (Gauge("a", "A.", compat=True), Gauge("b", "B."))\n'),
]


@pytest.mark.parametrize(("without", "with_mark"), CASES)
def test_a_mark_is_set_once(without: str, with_mark: str) -> None:
    assert marked(without, lambda name: name == "a") == with_mark
    assert marked(with_mark, lambda name: name == "a") == with_mark


@pytest.mark.parametrize(("without", "with_mark"), CASES)
def test_a_mark_is_removed(without: str, with_mark: str) -> None:
    removed = marked(with_mark, lambda _: False)

    assert "compat" not in removed
    compile(removed, "declarations", "exec")
    assert "".join(removed.split()).replace(",)", ")") == "".join(without.split()).replace(",)", ")")


def test_other_calls_stay() -> None:
    source = 'SIGNAL = Signal("a", A.select())\nx = Gauge(name, "A.")\n'

    assert marked(source, lambda _: True) == source
