"""Jinja as this room uses it: a misspelt name is an error that says where, never an empty string."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jinja2

from alerts.errors import CatalogError

FOLDER = Path(__file__).parent / "templates"
# `{{ }}` belongs to Prometheus and Alertmanager.
_SYNTAX: dict[str, Any] = {
    "variable_start_string": "<<",
    "variable_end_string": ">>",
    "block_start_string": "<%",
    "block_end_string": "%>",
    "comment_start_string": "<#",
    "comment_end_string": "#>",
}


def quoted(value: str) -> str:
    """A YAML scalar of any text: JSON's strings are YAML's."""
    return json.dumps(value, ensure_ascii=False)


@cache
def _environment() -> jinja2.Environment:
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701  # YAML and PromQL, not HTML; every text goes through `quoted`
        **_SYNTAX,
    )
    made.filters["quoted"] = quoted
    return made


def page(name: str, values: Mapping[str, Any]) -> str:
    """The template of that name, filled in. Raises CatalogError with its line."""
    try:
        return _environment().get_template(name).render(values)
    except jinja2.TemplateError as error:
        raise CatalogError(f"templates/{name}{_line(name, error)}: {error}: {_FIX}") from error


def text(where: str, template: str, values: Mapping[str, Any]) -> str:
    """A text of the catalogue, filled in. Raises CatalogError that begins with `where`."""
    try:
        return _environment().from_string(template).render(values)
    except jinja2.TemplateError as error:
        raise CatalogError(f"{where}: {error}: {_FIX}") from error


_FIX = "mend what stands between << >> or <% %>"


def _line(name: str, error: jinja2.TemplateError) -> str:
    """`:LINE` of the template where it failed."""
    if isinstance(error, jinja2.TemplateSyntaxError):
        return f":{error.lineno}"
    at, found = error.__traceback__, ""
    while at is not None:
        if at.tb_frame.f_code.co_filename.endswith(name):
            found = f":{at.tb_lineno}"
        at = at.tb_next
    return found
