"""Commands that READMEs, runbooks and messages tell people to run exist, with the options they are told with."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from service.cli import jurnalsync

ROOT = Path(__file__).parents[3]
SHIPPED = ("service", "projections", "eventstore", "ops", "tests/business")
TELLING = sorted(
    path
    for path in (
        *ROOT.glob("*.md"),
        *(path for folder in SHIPPED for ending in ("*.md", "*.py") for path in (ROOT / folder).rglob(ending)),
    )
    # The set-up says what the program needs, not what to run.
    if path.name != "bootstrap.py" and "jurnalsync " in path.read_text(encoding="utf-8")
)
# In backticks, at the head of a line of code, or at the end of a sentence that says what to run.
TOLD = re.compile(r"(?:`|^ *|: )jurnalsync ([^\n`|]+)", re.MULTILINE)


def told(text: str) -> Iterator[list[str]]:
    """Yield the words behind `jurnalsync` of every command that a text tells."""
    # Prose wraps between backticks, and so do Python's strings.
    joined = re.sub(r"`[^`\n]*\n[^`\n]*`", lambda found: re.sub(r'"?\s*\n\s*f?"?', " ", found.group()), text)
    for found in TOLD.finditer(joined):
        yield re.split(r"[\s=]+", found.group(1).rstrip('.,;:")'))


def complaint(words: list[str]) -> str | None:
    """Return what is wrong with a told command; None if it is one."""
    command: click.Command = jurnalsync
    while words and isinstance(command, click.Group) and re.fullmatch(r"[a-z-]+", words[0]):
        following = command.commands.get(words[0])
        if following is None:
            return f"{command.name} has no command {words[0]}"
        command, words = following, words[1:]
    options = {each for parameter in command.params for each in (*parameter.opts, *parameter.secondary_opts)}
    unknown = [word for word in words if re.fullmatch(r"--[a-z-]+", word) and word not in options]
    return f"{command.name} has no option {unknown[0]}" if unknown else None


def lacks(words: list[str]) -> str | None:
    """Return what a told command would ask for first; None if nothing, or if it stands for one that was told before."""
    command: click.Command = jurnalsync
    for word in words:
        if not isinstance(command, click.Group):
            break
        command = command.commands[word]
    wanted = [
        parameter.opts[0]
        for parameter in command.params
        if isinstance(parameter, click.Option) and parameter.required and not set(parameter.opts) & set(words)
    ]
    return f"{command.name} asks for {wanted[0]}" if wanted and "…" not in words else None


@pytest.mark.parametrize("path", TELLING, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_that_people_are_told_to_run_exists(path: Path) -> None:
    """At three in the morning nobody should have to guess what a sentence meant."""
    wrong = [why for words in told(path.read_text(encoding="utf-8")) if (why := complaint(words)) is not None]
    assert wrong == []


@pytest.mark.parametrize("path", sorted((ROOT / "ops" / "runbooks").glob("*.md")), ids=lambda path: path.name)
def test_a_command_of_a_runbook_can_be_run_as_it_stands(path: Path) -> None:
    """It names all that the command wants, so that only names and dates are filled in."""
    assert [why for words in told(path.read_text(encoding="utf-8")) if (why := lacks(words)) is not None] == []


def test_the_search_sees_a_command_wherever_it_stands_and_what_is_wrong_with_it() -> None:
    """In backticks, over two lines, in a block of code; a wrong word and a wrong option are named."""
    text = "`jurnalsync sync list --store S`, `jurnalsync sync\n  lost`\n\n    jurnalsync verify --whole\n"
    assert [complaint(words) for words in told(text)] == [
        None,
        "sync has no command lost",
        "verify has no option --whole",
    ]
