"""The environment variables that override `site.yaml`."""

from __future__ import annotations

import re
from collections.abc import Mapping

from settings.errors import SettingsError
from settings.patterns import LINE, MEANINGS, URL

SITE_VARIABLE = "WATCHFLOOR_SITE"  # the file itself

# Variable -> key below `endpoints:`; the value is what the key would hold.
VALUES = {
    "PROMETHEUS_ENDPOINT": "prometheus",
    "PROMETHEUS_USERNAME": "prometheus_username",
    "ALERTMANAGER_ENDPOINT": "alertmanager",
    "GRAFANA_ENDPOINT": "grafana",
}
# Variable -> key below `endpoints:`; the value is the secret that the key's file would hold.
SECRETS = {
    "PROMETHEUS_PASSWORD": "prometheus_password_file",
    "GRAFANA_API_KEY": "grafana_key_file",
}


def overrides(environment: Mapping[str, str]) -> dict[str, str]:
    """Values for keys of `endpoints:` that the environment gives; an empty variable counts as unset.

    Raises SettingsError, naming the variable, for a value that the key would not take.
    """
    found = {key: environment[variable] for variable, key in VALUES.items() if environment.get(variable)}
    for variable, key in VALUES.items():
        pattern = LINE if key == "prometheus_username" else URL
        if key in found and not re.search(pattern, found[key]):
            raise SettingsError("environment", f"{variable}: is {found[key]!r}", f"give {MEANINGS[pattern]}")
    return found
