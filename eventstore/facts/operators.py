"""What a person decided, with name and reason. `actor` is a login or role, never a customer."""

import msgspec


class CommandParked(msgspec.Struct, frozen=True, kw_only=True):
    """A command must not be sent until somebody releases it, e.g. because a changed rule made it after the fact."""

    command_id: str
    actor: str
    reason: str


class CommandReleased(msgspec.Struct, frozen=True, kw_only=True):
    """A parked or refused command may go (again)."""

    command_id: str
    actor: str
    reason: str


class StreamRetried(msgspec.Struct, frozen=True, kw_only=True):
    """The stalled stream this fact stands in is folded again from the fact it waits at."""

    actor: str
    reason: str


class StreamFactSkipped(msgspec.Struct, frozen=True, kw_only=True):
    """The fact at `position`, at which the stream waits, is left out; the stream goes on behind it."""

    position: int
    actor: str
    reason: str


OperatorFact = CommandParked | CommandReleased | StreamRetried | StreamFactSkipped
