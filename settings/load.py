"""From a file and the environment to a `Site`; whatever is wrong is told once, with file, line, key and the fix."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml

from settings.basic import Section
from settings.containers import CONTAINERS, RUNTIME_VARIABLE, Contained
from settings.environment import SITE_VARIABLE, overrides
from settings.errors import SettingsError
from settings.explain import explained
from settings.lines import line, refuse_depth, refuse_duplicates
from settings.paths import CLONE, Paths
from settings.types import Site

_Section = TypeVar("_Section", bound=Section)


def load(path: Path | None = None, environment: Mapping[str, str] | None = None) -> Site:
    """The site of `path`, else of `WATCHFLOOR_SITE`, else of the clone's `site.yaml`, else of what `make up` rendered.

    Raises SettingsError for anything that is wrong in it, a missing file included.
    """
    environment = os.environ if environment is None else environment
    chosen = path or default_path(environment)
    return parse(read(chosen), str(chosen), environment)


def locate(*steps: str | int, path: Path | None = None) -> str:
    """`FILE:LINE` of a key in the file that `load(path)` reads, for errors that only another room can find.

    A file that cannot be read, or does not hold the key, is named with the nearest line that is known.
    """
    chosen = path or default_path(os.environ)
    try:
        tree = yaml.compose(read(chosen), Loader=yaml.SafeLoader)
    except (SettingsError, yaml.YAMLError):
        return str(chosen)
    return f"{chosen}:{line(tree, steps)}"


def default_path(environment: Mapping[str, str]) -> Path:
    """The file that is loaded when none is named; the example serves until `make up` has made a `site.yaml`."""
    if given := environment.get(SITE_VARIABLE):
        return Path(given)
    candidates = (CLONE / "site.yaml", Paths.from_environment().site, CLONE / "site.example.yaml")
    return next((path for path in candidates if path.exists()), candidates[0])


def read(path: Path) -> str:
    """The text of a settings file. Raises SettingsError when it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        reason = error.strerror or str(error)
        raise SettingsError(str(path), f"cannot be read ({reason})", "`make up` makes it from site.example.yaml") from error
    except ValueError as error:  # not UTF-8, or a path with a null character
        raise SettingsError(str(path), f"cannot be read ({error})", "save it as UTF-8") from error


def parse(text: str, name: str = "site.yaml", environment: Mapping[str, str] | None = None) -> Site:
    """The site that `text` (YAML) and the environment describe; `name` is the file that errors name.

    Raises SettingsError for anything that is wrong, and nothing else.
    """
    tree, raw = _yaml(text, name)
    try:
        inside = (environment or {}).get(RUNTIME_VARIABLE) == CONTAINERS
        site = msgspec.convert({} if raw is None else raw, Contained if inside else Site)
    except msgspec.ValidationError as error:
        raise explained(str(error), raw, tree, name) from error
    if inside:
        site = msgspec.structs.replace(site, bind="0.0.0.0")  # noqa: S104  # a container's own; what is published, its file says
    for key, value in overrides(environment or {}).items():
        site = _replaced(site, key.split("."), value)
    return site


def _replaced(section: _Section, steps: Sequence[str], value: str | int) -> _Section:
    """A copy of a section in which the steps lead to `value`."""
    inner = value if len(steps) == 1 else _replaced(getattr(section, steps[0]), steps[1:], value)
    return msgspec.structs.replace(section, **{steps[0]: inner})


def _yaml(text: str, name: str) -> tuple[yaml.Node | None, Any]:
    """The text's nodes, which know their lines, and its values."""
    try:
        refuse_depth(text, name)
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
        refuse_duplicates(tree, name)
        return tree, yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        place = error.problem_mark.line + 1 if error.problem_mark else 1
        raise SettingsError(
            f"{name}:{place}", f"is not YAML ({error.problem})", "check indentation, colons and quotes"
        ) from error
    except SettingsError:
        raise
    except (yaml.YAMLError, ValueError, TypeError) as error:
        # PyYAML lets through what int(), float() and datetime raise.
        reason = " ".join(str(error).split()) or type(error).__name__
        raise SettingsError(f"{name}:1", f"is not YAML ({reason})", "check for characters that are not text") from error
