"""Where in a YAML text a key stands: the lines that errors name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import yaml

from settings.errors import SettingsError

Steps: TypeAlias = Sequence[str | int]

_DEEPEST = 20


def key(steps: Steps) -> str:
    """The key as a person writes it: `hosts[0].address`; `the file` for the whole."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps).lstrip(".") or "the file"


def line(node: yaml.Node | None, steps: Steps) -> int:
    """The line, from 1, of what the steps lead to, or of the nearest part of it that the text holds."""
    found = node.start_mark.line + 1 if node else 1
    for step in steps:
        if isinstance(node, yaml.MappingNode):
            pair = next(((name, value) for name, value in node.value if name.value == str(step)), None)
            if pair is None:
                return found
            found, node = pair[0].start_mark.line + 1, pair[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            found = node.start_mark.line + 1
        else:
            return found
    return found


def refuse_depth(text: str, name: str) -> None:
    """Raises SettingsError for nesting that no settings have, before anything recurses into it; YAML's own errors pass."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            problem = f"is nested deeper than {_DEEPEST} levels"
            place = event.start_mark.line + 1 if event.start_mark else 1
            raise SettingsError(f"{name}:{place}", problem, "no setting lies that deep: check the brackets")


def refuse_duplicates(root: yaml.Node | None, name: str) -> None:
    """Raises SettingsError for a key that stands twice: YAML loaders keep the last one, silently; a person should be told.

    Each node is looked at once, so that aliases of aliases cost nothing.
    """
    waiting, seen = [root], set[int]()
    while waiting:
        node = waiting.pop()
        if node is None or id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting += reversed(node.value)
        elif isinstance(node, yaml.MappingNode):
            _refuse_in(node, name)
            waiting += [value for _, value in reversed(node.value)]


def _refuse_in(mapping: yaml.MappingNode, name: str) -> None:
    first: dict[str, int] = {}
    for node, _ in mapping.value:
        if not isinstance(node, yaml.ScalarNode):
            continue  # no key of ours is a list or a mapping; conversion refuses it
        here = node.start_mark.line + 1
        if node.value in first:
            problem = f"{node.value}: stands already in line {first[node.value]}"
            raise SettingsError(f"{name}:{here}", problem, "keep one of the two")
        first[node.value] = here
