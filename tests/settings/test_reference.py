"""The schema and the reference page say what the types say; the example file keeps to both."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from settings import Site, parse, patterns
from settings.__main__ import REFERENCE, SCHEMA
from settings.paths import CLONE
from settings.reference import description, keys, reference, schema
from tests.settings.schema import problems

EXAMPLE = CLONE / "site.example.yaml"
SCHEMA_TREE: dict[str, Any] = json.loads(schema())
PAGE = reference()
BAD = yaml.safe_load(Path(__file__).with_name("bad_input.yaml").read_text(encoding="utf-8"))
# What a schema cannot say: YAML itself, keys that are no texts, and checks of one key against another.
_BEYOND_A_SCHEMA = re.compile(
    r"is not YAML|stands already|twice|given to|is above|is below|appliance's own|regular expression|inf is no"
    r"|put quotes|leaves no room|divides a day|is no network|is not above|is 0s"
    r"|neither url nor|both url and|names the mute time|no time zone|the next day"
)
WITHIN = [case for case in BAD if not _BEYOND_A_SCHEMA.search(case["error"])]


def told(text: str) -> list[str]:
    return list(problems(yaml.safe_load(text), SCHEMA_TREE, SCHEMA_TREE))


def test_the_committed_files_are_what_the_types_make() -> None:
    assert SCHEMA.read_text(encoding="utf-8") == schema()
    assert REFERENCE.read_text(encoding="utf-8") == reference()


def test_the_example_fits_the_schema_and_is_the_default_site() -> None:
    text = EXAMPLE.read_text(encoding="utf-8")

    assert told(text) == []
    assert parse(text) == Site()


def test_what_the_example_has_commented_out_is_valid_too() -> None:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    code = re.compile(r"# (?=[a-z_]+:( |$)|  )")
    text = "\n".join(code.sub("", line, count=1) for line in lines)

    assert told(text) == []
    site = parse(text)
    assert site.hosts
    assert site.scrape
    assert site.alerts
    assert site.receivers


@pytest.mark.parametrize("case", WITHIN, ids=[case["what"] for case in WITHIN])
def test_the_schema_refuses_what_we_refuse(case: dict[str, str]) -> None:
    assert told(case["text"])


@pytest.mark.parametrize(("path", "item"), list(keys()), ids=[path for path, _ in keys()])
def test_every_key_is_described(path: str, item: Any) -> None:
    text = description(item)

    assert text.endswith("."), path
    assert f"| `{item.encode_name}` |" in PAGE
    assert text.replace("|", "\\|") in PAGE


def test_every_pattern_has_words_for_people() -> None:
    made = {
        name for name, value in vars(patterns).items() if isinstance(value, str) and name.isupper() and not name.startswith("_")
    }
    assert made
    assert {name for name in made if vars(patterns)[name] not in patterns.MEANINGS} == set()


def test_the_schema_describes_every_key_too() -> None:
    described = [
        found["description"]
        for section in SCHEMA_TREE["$defs"].values()
        for name, found in section["properties"].items()
        if name != "type"
    ]

    assert sorted(set(described)) == sorted({description(item) for _, item in keys()})
