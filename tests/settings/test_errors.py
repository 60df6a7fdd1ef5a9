"""Every kind of bad input: one error that names file, line, key, what is wrong and what is allowed."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
import yaml

from settings import SettingsError, parse

BAD = yaml.safe_load(Path(__file__).with_name("bad_input.yaml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", BAD, ids=[case["what"] for case in BAD])
def test_bad_input(case: dict[str, str]) -> None:
    with pytest.raises(SettingsError) as found:
        parse(case["text"], "site.yaml")

    assert str(found.value).startswith(f"site.yaml:{case['error']}")
    assert "\n" not in str(found.value)


def test_brackets_without_end_are_refused_before_anything_recurses() -> None:
    with pytest.raises(SettingsError) as found:
        parse("hosts:\n  " + "[" * 1_000_000)

    assert str(found.value) == ("site.yaml:2: is nested deeper than 20 levels: no setting lies that deep: check the brackets")


def test_aliases_of_aliases_cost_nothing() -> None:
    levels = "\n".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 40))

    with pytest.raises(SettingsError, match="a0: unknown key"):
        parse(f"a0: &a0 [x]\n{levels}\n")


def test_anchors_and_merges_serve_as_in_any_yaml() -> None:
    site = parse(
        textwrap.dedent("""\
            alerts:
              HighCPUUsage: &slow
                for: 10m
              HighMemoryUsage:
                <<: *slow
                severity: info
            """)
    )

    assert (site.alerts["HighMemoryUsage"].for_, site.alerts["HighMemoryUsage"].severity) == ("10m", "info")
