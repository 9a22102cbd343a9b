"""The life cycle drawn in the README, held against the constraints of the tables and the SQL that moves the rows."""

import re
from importlib.resources import files

from projections.jurnal_commands.queue import STATES

PACKAGE = files("projections.jurnal_commands")
MIGRATIONS = "".join(
    file.read_text(encoding="utf-8")
    for file in sorted(files("projections").joinpath("migrations").iterdir(), key=lambda file: file.name)
)
README = PACKAGE.joinpath("README.md").read_text(encoding="utf-8")


def constraint(table: str) -> set[str]:
    """Return the words that the CHECK on `table.state` allows, as the last migration says."""
    made = re.findall(rf"CREATE TABLE {table} \(.*?CHECK \(state IN \(([^)]*)\)", MIGRATIONS, re.DOTALL)
    changed = re.findall(rf"ALTER TABLE {table} ADD CONSTRAINT \w+\s+CHECK \(state IN \(([^)]*)\)", MIGRATIONS)
    return set(re.findall(r"'(\w+)'", [*made, *changed][-1]))


def drawn(table: str) -> set[str]:
    """Return the states of the README's drawing of `table`."""
    drawing = re.search(rf"state \"table {table}\" as {table} {{(.*?)\n    }}", README, re.DOTALL)
    assert drawing is not None
    return {word.removeprefix(f"{table}_") for word in re.findall(rf"\b{table}_\w+", drawing[1])}


def test_the_readme_draws_the_words_of_the_command_table() -> None:
    """A state that is drawn and not allowed, or allowed and not drawn, is a lie in one of the two."""
    assert drawn("command") == constraint("command")


def test_the_readme_draws_the_words_of_the_send_table() -> None:
    """The same for the way over the wire."""
    assert drawn("send") == constraint("send")


def test_the_readme_draws_where_what_is_held_goes() -> None:
    """What waits is a line of the list and no command yet; the word is that of its table."""
    (held,) = re.findall(r'state "sync_record (\w+): no command yet" as held', README)
    assert held in constraint("sync_record")
    assert "held --> command_due" in README


def test_the_readme_names_the_outcomes_of_an_attempt() -> None:
    """The sentence about attempts and the CHECK on their outcome have the same words."""
    allowed = re.search(r"CHECK \(outcome IN \(([^)]*)\)\)", MIGRATIONS)
    told = re.search(r"what its own answer told, is ([\w, ]+), none while", README)
    assert allowed is not None
    assert told is not None
    assert set(re.findall(r"\w+", told[1])) - {"or"} == set(re.findall(r"'(\w+)'", allowed[1]))


def test_every_word_of_the_two_tables_is_counted() -> None:
    """No command can be in a state that the metrics do not show; `done` shows as what the fold knows of it."""
    assert (constraint("command") | constraint("send")) - {"done"} <= set(STATES)


def test_only_the_fold_writes_the_words_of_the_fold() -> None:
    """No statement of the dispatcher writes the command table: the fold adds, settles, parks, releases and ends."""
    writes = {
        file.name
        for file in PACKAGE.joinpath("sql").iterdir()
        if re.search(r"(INSERT INTO|UPDATE) command\b", file.read_text(encoding="utf-8"))
    }
    assert writes == {
        "add_commands.sql", "settle_commands.sql", "park_commands.sql", "release_commands.sql", "skip_commands.sql",
        "replan_commands.sql", "reopen_commands.sql", "supersede_commands.sql",
    }  # fmt: skip
