"""SELinux's modes, from /sys/fs/selinux and /etc/selinux/config. psutil has none."""

from __future__ import annotations

import re
from collections.abc import Iterator

from exporters.system.procfs import Roots, read_line
from metrics.model import Sample
from metrics.system import kernel as m

_MODES = {"enforcing": 1, "permissive": 0, "disabled": -1}
_CONFIGURED = re.compile(r"^\s*SELINUX\s*=\s*(\w+)", re.MULTILINE)


def configured(text: str) -> int:
    """The mode of /etc/selinux/config; disabled where it names none."""
    found = _CONFIGURED.search(text)
    return _MODES.get(found[1].lower(), -1) if found else -1


class Selinux:
    """SELinux."""

    name = "selinux"
    help = "Whether SELinux is on, and its modes."
    emits = (m.SELINUX_ENABLED, m.SELINUX_CONFIG_MODE, m.SELINUX_CURRENT_MODE)

    def __init__(self, roots: Roots) -> None:
        self._enforce = roots.sys / "fs/selinux/enforce"
        self._config = roots.root / "etc/selinux/config"

    def collect(self) -> Iterator[Sample]:
        """One gauge, three where it is on."""
        mode = read_line(self._enforce)
        yield m.SELINUX_ENABLED, (), int(bool(mode))
        if mode:
            yield m.SELINUX_CURRENT_MODE, (), int(mode)
            yield m.SELINUX_CONFIG_MODE, (), configured(read_line(self._config))
