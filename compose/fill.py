"""Jinja as this room uses it: `<< >>` and `<% %>`, because braces belong to what is written; a misspelt name is an error."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jinja2

_FOLDER = Path(__file__).parent / "templates"


def page(name: str, *, trim: bool = False, **values: Any) -> str:
    """The template of that name, filled in; with `trim` no line is left of one that holds a block alone."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER),
        undefined=jinja2.StrictUndefined,
        variable_start_string="<<",
        variable_end_string=">>",
        block_start_string="<%",
        block_end_string="%>",
        trim_blocks=trim,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701  # no HTML: VCL, nginx's, Markdown; what goes in is our own, or judged by the settings
    ).get_template(name).render(**values)  # fmt: skip
