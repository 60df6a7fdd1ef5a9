"""The errors of this room.

ValueError
└── SettingsError   one wrong place in `site.yaml` or the environment
"""


class SettingsError(ValueError):
    """One wrong place: its text is `FILE:LINE: KEY: what is wrong: what is allowed`."""

    def __init__(self, where: str, what: str, fix: str) -> None:
        super().__init__(f"{where}: {what}: {fix}")
        self.where = where
        self.what = what
        self.fix = fix
