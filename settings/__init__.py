"""The one file an SRE edits, `site.yaml`, and the environment, as frozen types that cannot be invalid."""

from settings.errors import SettingsError
from settings.paths import Paths

try:
    from settings.load import load, locate, parse
    from settings.secrets import check_secrets
    from settings.types import Site
except ModuleNotFoundError as error:
    # The first step of `make up` runs on a bare Python, before the libraries are installed, and needs the paths alone.
    if error.name not in ("msgspec", "yaml"):
        raise

__all__ = ["Paths", "SettingsError", "Site", "check_secrets", "load", "locate", "parse"]
