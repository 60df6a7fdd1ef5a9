"""The one file an SRE edits, `site.yaml`, and the environment, as frozen types that cannot be invalid."""

from settings.errors import SettingsError
from settings.load import load, parse
from settings.paths import Paths
from settings.types import Site

__all__ = ["Paths", "SettingsError", "Site", "load", "parse"]
