"""Whatever the guides and the README tell to type is there: make's targets with their variables, programs with their options.

That it does what is said is tested where a guide is run, as a reader does (`tests/guides.py`); this holds for all of them.
"""

from __future__ import annotations

import importlib.util
import re
import shlex
from functools import cache
from pathlib import Path

import pytest

from settings.paths import CLONE

PAGES = (CLONE / "README.md", CLONE / "CONTRIBUTING.md", *sorted((CLONE / "docs").glob("*/*.md")))
_TYPED = re.compile(r"`((?:[A-Z_]+=\S+ )*(?:make(?: -s)? [a-z]|(?:var/venv/bin/)?python -m )[^`\n]*)`")
_BLOCK = re.compile(r"^```(?:sh)?\n(.*?)^```", re.MULTILINE | re.DOTALL)
_INNER = re.compile(r"\$\((make [^)]*)\)")


def lines(text: str) -> set[str]:
    """What a page tells to type, of make and of Python."""
    shown = {line.strip() for block in _BLOCK.findall(text) for line in block.splitlines()}
    shown |= {inner for line in shown for inner in _INNER.findall(line)}
    found = {line for line in shown if re.match(r"(make|(var/venv/bin/)?python -m) ", line)}
    return found | set(_TYPED.findall(text))


TYPED = sorted({(line, path.name) for path in PAGES for line in lines(path.read_text(encoding="utf-8"))})


@cache
def recipes() -> dict[str, str]:
    """What make does for each target."""
    text = (CLONE / "Makefile").read_text(encoding="utf-8")
    return {found[1]: found[2] for found in re.finditer(r"^([a-z-]+): ##[^\n]*\n((?:\t[^\n]*\n)*)", text, re.MULTILINE)}


@cache
def sources(module: str) -> str:
    """The text of a program, and of what stands beside it in its package."""
    spec = importlib.util.find_spec(module)
    assert spec, f"there is no module {module}"
    places = spec.submodule_search_locations
    files = Path(places[0]).glob("*.py") if places else [Path(str(spec.origin))]
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


def words_of(line: str) -> list[str]:
    """The words of a command, up to what a shell would do with it."""
    cut = re.split(r"\s[|<>]|\s#|…", line)[0]
    return shlex.split(cut.rstrip("\\").replace("[", "").replace("]", ""))


@pytest.mark.parametrize(("line", "page"), [one for one in TYPED if re.match(r"\S*make |([A-Z_]+=\S+ )+make ", one[0])])
def test_make_knows_what_a_page_tells_to_type(line: str, page: str) -> None:
    words = [word for word in words_of(line) if word != "-s"]
    words = words[words.index("make") + 1 :]
    targets = [word for word in words if "=" not in word and word != "&&"]
    variables = [word.partition("=")[0] for word in words if "=" in word]
    for target in targets:
        assert target == "make" or target in recipes(), (page, line)
    known = "".join(recipes()[target] for target in targets if target in recipes())
    for name in variables:
        wanted = "YES" if name == "yes" else name
        assert re.search(rf"[( ,]{wanted}[),]", known), (page, line, name)


@pytest.mark.parametrize(("line", "page"), [one for one in TYPED if "python -m " in one[0] and "make " not in one[0]])
def test_a_program_has_the_options_that_a_page_tells_to_type(line: str, page: str) -> None:
    words = words_of(line)
    module = words[words.index("-m") + 1]
    if module.partition(".")[0] in {"pip", "venv", "json", "http"}:
        return
    for option in (word.partition("=")[0] for word in words if word.startswith("--")):
        assert f'"{option}"' in sources(module), (page, line, option)


def test_there_is_much_to_type() -> None:
    assert len(TYPED) > 100
