"""What a person decided, with name and reason. `actor` is a login or role, never a customer."""

import msgspec

OPERATIONS_STREAM = "operations"


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


class RecordRetried(msgspec.Struct, frozen=True, kw_only=True):
    """What of this fact's stream is not booked is judged again; `record_id` is the line somebody looked at."""

    record_id: str
    actor: str
    reason: str


class RecordSkipped(msgspec.Struct, frozen=True, kw_only=True):
    """What `record_id` stands for will not be booked by us: a person has seen to it. Nothing of it is sent any more."""

    record_id: str
    actor: str
    reason: str


class StorePaused(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing is sent to Jurnal for this store until it is resumed; everything else goes on."""

    actor: str
    reason: str


class StoreResumed(msgspec.Struct, frozen=True, kw_only=True):
    """Sending goes on where it was paused."""

    actor: str
    reason: str


OperatorFact = (
    CommandParked
    | CommandReleased
    | StreamRetried
    | StreamFactSkipped
    | RecordRetried
    | RecordSkipped
    | StorePaused
    | StoreResumed
)
