"""Every runbook is whole: its sections, and something to check that a program can read; tests/live runs it."""

from __future__ import annotations

import promql_parser
import pytest

from alerts import runbooks, steps
from alerts.model import read_catalogue

TEXTS = {entry.name: (runbooks.FOLDER / f"{entry.name}.md").read_text(encoding="utf-8") for _, entry in read_catalogue()}


@pytest.mark.parametrize("name", TEXTS)
def test_a_runbook_has_every_section(name: str) -> None:
    assert [title for title in steps.SECTIONS if not steps.section(TEXTS[name], title)] == []


@pytest.mark.parametrize("name", TEXTS)
def test_a_runbook_says_how_to_check_in_a_form_that_can_be_run(name: str) -> None:
    checks = [check for check in steps.checks(TEXTS[name]) if check.kind != "words"]
    assert checks
    for check in checks:
        if check.kind == "query":
            promql_parser.parse(check.text)


@pytest.mark.parametrize(
    ("line", "kind", "runs"),
    [
        ("up == 0", "query", True),
        ("curl -s localhost:9090/api/v1/rules | head", "command", True),
        ("curl -s -X POST localhost:9095/api/events", "command", False),
        ("curl -s localhost:9090/-/reload -d x", "command", False),
        ("curl -sG localhost:9090/api/v1/query --data-urlencode 'query=up'", "command", True),
        ("curl -s http://HOST:PORT/metrics", "command", False),
        ("df -h > /etc/passwd", "command", False),
        ("df -h; rm x", "command", False),
        ("make logs s=stream", "command", False),
        ("kill -9 1", "command", False),
        ("rm -rf /", "words", False),
        ("select 1", "sql", False),
        ("INFO memory", "redis", False),
        ("source_error", "words", False),
    ],
)
def test_what_may_run_by_itself(line: str, kind: str, runs: bool) -> None:  # noqa: FBT001  # a column of the table
    (check,) = steps.checks(f"## How to check\n\n- `{line}`\n\n## How to mitigate\n")
    assert (check.kind, check.runs) == (kind, runs)
