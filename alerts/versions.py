"""What the Alertmanager of this machine can do: by its version, as amtool tells it."""

from __future__ import annotations

import re
import subprocess
from typing import TypeAlias

from settings import SettingsError, Site, locate
from settings.receivers import Teams, Telegram, Webhook

Version: TypeAlias = tuple[int, int]

OLDEST: Version = (0, 25)  # Debian 12's; what nobody can tell the version of is taken for it
FILES_FOR_ALL: Version = (0, 26)  # `url_file` of a webhook, `bot_token_file` of Telegram
TEAMS: Version = (0, 28)  # `msteamsv2_configs`; what came before it, Microsoft has switched off
_SECONDS = 20
_VERSION = re.compile(r"\bversion (\d+)\.(\d+)")


def installed() -> Version:
    """The version of this machine's Alertmanager; the oldest one where amtool cannot be asked."""
    try:
        told = subprocess.run(["amtool", "--version"], capture_output=True, text=True, timeout=_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return OLDEST
    found = _VERSION.search(told.stdout + told.stderr)
    return (int(found[1]), int(found[2])) if found else OLDEST


def check(site: Site, version: Version) -> None:
    """Raises SettingsError for the first receiver that this version cannot serve, with what to do instead."""
    ours = f"Alertmanager {version[0]}.{version[1]}"
    for index, receiver in enumerate(site.receivers):
        name = f"receivers[{index}]: {receiver.name}"
        if isinstance(receiver, Teams) and version < TEAMS:
            fix = "run Alertmanager 0.28 or later (Debian 13 has it), or use a webhook that speaks to Teams"
            raise SettingsError(locate("receivers", index, "type"), f"{name}: {ours} cannot send to Teams' workflows", fix)
        if isinstance(receiver, Telegram) and version < FILES_FOR_ALL:
            fix = "run Alertmanager 0.26 or later (Debian 13 has 0.28), or use a webhook that speaks to Telegram"
            raise SettingsError(locate("receivers", index, "type"), f"{name}: {ours} takes a bot's token from no file", fix)
        if isinstance(receiver, Webhook) and receiver.url_file and version < FILES_FOR_ALL:
            fix = "give url, with the secret in bearer_token_file, or run Alertmanager 0.26 or later (Debian 13 has 0.28)"
            raise SettingsError(locate("receivers", index, "url_file"), f"{name}: {ours} takes a webhook's URL from no file", fix)
