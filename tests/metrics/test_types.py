"""A wrong query is a type error: mypy refuses what a metric's type does not offer."""

from __future__ import annotations

import pytest
from mypy import api

SNIPPET = """\
from metrics.model import Counter, Gauge, Histogram

COUNTER = Counter("a_total", "A.")
GAUGE = Gauge("b", "B.")
HISTOGRAM = Histogram("c_seconds", "C.")
{line}
"""
ALLOWED = ["COUNTER.rate()", "COUNTER.increase()", "HISTOGRAM.quantile(0.9)", "HISTOGRAM.rate()", "GAUGE.select()"]
REFUSED = [
    "GAUGE.rate()",
    "GAUGE.increase()",
    "GAUGE.quantile(0.9)",
    "COUNTER.quantile(0.9)",
    "HISTOGRAM.increase()",
    "HISTOGRAM.sample(1.0)",
    "GAUGE.sample('1')",
    "GAUGE.select().rate()",
]


@pytest.fixture(scope="module")
def errors_by_line(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """What mypy says, by line of code; one run for all of them."""
    lines = [*ALLOWED, *REFUSED]
    file = tmp_path_factory.mktemp("types") / "snippet.py"
    file.write_text(SNIPPET.format(line="\n".join(lines)))
    output, problems, _ = api.run(["--strict", "--no-error-summary", "--show-error-codes", str(file)])
    assert not problems
    first = SNIPPET[: SNIPPET.index("{line}")].count("\n") + 1
    told = [message.split(":", 2) for message in output.splitlines() if f"{file.name}:" in message]
    return {line: [text for _, number, text in told if int(number) == first + index] for index, line in enumerate(lines)}


@pytest.mark.parametrize("line", REFUSED)
def test_refused(line: str, errors_by_line: dict[str, list[str]]) -> None:
    assert any("[attr-defined]" in text or "[arg-type]" in text for text in errors_by_line[line])


@pytest.mark.parametrize("line", ALLOWED)
def test_allowed(line: str, errors_by_line: dict[str, list[str]]) -> None:
    assert errors_by_line[line] == []
