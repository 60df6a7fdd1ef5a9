"""The errors of this room.

ValueError
├── settings.SettingsError   `site.yaml` asks for what an alert does not offer
└── CatalogError             the catalogue or a template is wrong: a programmer's mistake, found by `make generate`
"""


class CatalogError(ValueError):
    """One wrong place in `alerts/catalog/` or `alerts/templates/`: its text is `FILE: KEY: what is wrong: what is allowed`."""
