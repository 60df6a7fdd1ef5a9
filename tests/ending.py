"""How a long command ends: in good order, whether by Ctrl-C or by whoever tells it to end."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from typing import NoReturn


def run(main: Callable[[list[str]], int], what: str) -> NoReturn:
    """Runs `main` with this program's arguments and exits with its code; interrupted, it says that `what` is gone: 130."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        print(f"interrupted: {what} is stopped and removed", file=sys.stderr)
        sys.exit(130)
