"""What a person can mend about a set-up."""


class SetupError(Exception):
    """It cannot be applied; each line of the text names an entry and says what to do. Nothing was changed."""


class SettingsOvertaken(SetupError):
    """Somebody else has changed the settings since they were looked at; they stand at `version` now."""

    def __init__(self, version: int) -> None:
        super().__init__("somebody else changed the settings at the same time; look at them and apply again")
        self.version = version
