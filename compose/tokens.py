"""`make token do='…'`: keys and tokens of the stream's clients, by the program that the stream brings.

In containers the book is in the stream's volume, so that the program runs in there, too.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from compose.docker import Containers
from compose.errors import BadInputError, ComposeError
from settings.environment import SITE_VARIABLE
from settings.paths import HOME_VARIABLE

if TYPE_CHECKING:
    from compose.native import Stack

_SERVICE = "stream"
_PROGRAM = ("-m", "stream.tokens")


def run(stack: Stack, words: Sequence[str]) -> int:
    """Runs `stream.tokens` with these words for this appliance; its exit code.

    Raises BadInputError where the site has no stream, ComposeError where nothing ran yet, or the container that keeps the book
    does not.
    """
    if not stack.site().workload:
        fix = "set it to true, and `make up`"
        raise BadInputError(f"{stack.site_file.name}: workload: is off: without a stream nobody needs a token: {fix}")
    if isinstance(stack, Containers):
        return subprocess.run([*_inside(stack), *words], check=False).returncode
    if not stack.paths.site.exists():
        raise ComposeError(f"nothing was ever started in {stack.paths.home}: `make up` makes the place for tokens")
    known = {HOME_VARIABLE: str(stack.host.home), SITE_VARIABLE: str(stack.paths.site)}  # the settings that the stream runs with
    return subprocess.run([sys.executable, *_PROGRAM, *words], env=os.environ | known, check=False).returncode


def _inside(stack: Containers) -> list[str]:
    row = next(row for row in stack.rows() if row.name == _SERVICE)
    if row.state in ("stopped", "down"):
        raise ComposeError(f"the stream's container does not run, which keeps its tokens: it is {row.state}: `make up` starts it")
    return ["docker", "exec", "-i", stack.container(_SERVICE), "python", *_PROGRAM]
