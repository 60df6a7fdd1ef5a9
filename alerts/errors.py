"""The errors of this room.

ValueError
├── settings.SettingsError   `site.yaml` asks for what an alert does not offer
└── CatalogError             the catalogue itself is wrong: a programmer's mistake, found by tests
"""


class CatalogError(ValueError):
    """One wrong place in `alerts/catalog/`: its text is `FILE: KEY: what is wrong: what is allowed`."""
