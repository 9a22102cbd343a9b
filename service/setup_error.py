"""What a person can mend about a set-up."""


class SetupError(Exception):
    """It cannot be applied; each line of the text names an entry and says what to do. Nothing was changed."""
