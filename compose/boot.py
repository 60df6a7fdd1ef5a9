"""The appliance as one systemd service of this machine, so that it is there after a reboot. Pure text making.

systemd looks after supervisord, and supervisord after the services: `make up` and `make down` stay the way in and out.
"""

from __future__ import annotations

import os
import pwd
from pathlib import Path

from compose.bootstrap import SYSTEM_PYTHON
from compose.errors import ComposeError
from compose.host import Host
from settings.paths import CLONE, HOME_VARIABLE

NAME = "watchfloor.service"
# Type=forking: `make up` ends when all is healthy, supervisord stays, and what is left when it ends is killed with it.
_UNIT = """\
# Made by `make service`, which says how it is installed.
[Unit]
Description=Watchfloor, the monitoring appliance
Wants=network-online.target
After=network-online.target

[Service]
Type=forking
PIDFile={home}/run/supervisord.pid
{user}WorkingDirectory={clone}
Environment={variable}={home}
ExecStart={python} -m compose.bootstrap -m compose up --site {site}
ExecStop={python} -m compose.bootstrap --no-setup -m compose down
TimeoutStartSec=300
TimeoutStopSec=180
Restart=on-failure
RestartSec=10
LimitNOFILE=65536

[Install]
WantedBy=multi-user.target
"""


def unit(host: Host, site: Path, clone: Path = CLONE) -> str:
    """The unit's text for this clone and home. Raises ComposeError for a path that a unit cannot hold as it is."""
    for path in (clone, host.home, site):
        if odd := set(str(path)) & set(" \t\n\"'%\\$"):
            raise ComposeError(f"a systemd unit cannot hold such a path: {path} holds {odd.pop()!r}: move the clone")
    user = "" if host.user else f"User={pwd.getpwuid(os.geteuid()).pw_name}\n"
    return _UNIT.format(home=host.home, user=user, clone=clone, variable=HOME_VARIABLE, python=SYSTEM_PYTHON, site=site)
