"""SQL lives in `.sql` files, one statement a file, loaded by name."""

from functools import cache
from importlib.resources import files


@cache
def statement(package: str, name: str) -> str:
    """Return the text of `sql/<name>.sql` of `package`; a missing file is a packaging error and raises."""
    return files(package).joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")
