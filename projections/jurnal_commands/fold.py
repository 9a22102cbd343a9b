"""Folds decisions into commands, and Jurnal's answers into their ends. The dispatcher never writes these words."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, ClassVar

import msgspec

from eventstore.event import Fact
from eventstore.facts.answers import CommandAccepted, CommandRefused
from eventstore.facts.operators import CommandParked, CommandReleased
from eventstore.facts.registry import Meaning
from projections.document_fold import DOCUMENT_STATES, document_keys, tell
from projections.jurnal_commands.commands import ENCODER
from projections.jurnal_commands.decision import Planned
from projections.projection import NOTHING, Evolved, Row, States, Table, first_row

_DOCUMENT = msgspec.json.Encoder(order="deterministic", decimal_format="string")


class CommandAdded(Row, frozen=True, kw_only=True):
    """A command as it was first decided. A second decision under the same identity changes nothing."""

    command_id: str
    company_id: str
    stream_id: str
    record_id: str
    lane: str
    position: int
    ordinal: int
    kind: str
    body: bytes
    needs: str


class StoredCommand(Row, frozen=True, kw_only=True):
    """A command as it stands in its table, after all that was said about it."""

    command_id: str
    company_id: str
    stream_id: str
    record_id: str
    lane: str
    position: int
    ordinal: int
    kind: str
    body: bytes
    needs: list[str]
    state: str
    reason: str | None = None
    document: bytes | None = None
    settled_at: int | None = None
    released_at: int = 0


class SendAdded(Row, frozen=True, kw_only=True):
    """The command's way over the wire, made with it; from then on the dispatcher alone moves it."""

    command_id: str
    company_id: str


class CommandSettled(Row, frozen=True, kw_only=True):
    """Jurnal's last word on a command."""

    command_id: str
    state: str
    reason: str | None
    document: bytes | None
    settled_at: int


class CommandHeldBack(Row, frozen=True, kw_only=True):
    """An operator parked a command that was not settled yet."""

    command_id: str
    reason: str
    settled_at: int


class CommandFreed(Row, frozen=True, kw_only=True):
    """An operator released a parked or refused command."""

    command_id: str
    released_at: int


def _add(known: StoredCommand | None, told: CommandAdded) -> StoredCommand:
    """Add a command; the first decision stands."""
    if known is not None:
        return known
    fields = {**msgspec.structs.asdict(told), "needs": told.needs.split()}
    return StoredCommand(state="due", **fields)


def _settle(known: StoredCommand | None, told: CommandSettled) -> StoredCommand | None:
    """Give a command Jurnal's last word."""
    if known is None:
        return None
    return msgspec.structs.replace(
        known, state=told.state, reason=told.reason, document=told.document, settled_at=told.settled_at
    )


def _hold_back(known: StoredCommand | None, told: CommandHeldBack) -> StoredCommand | None:
    """Park a command that is due."""
    if known is None or known.state != "due":
        return known
    return msgspec.structs.replace(known, state="parked", reason=told.reason, settled_at=told.settled_at)


def _free(known: StoredCommand | None, told: CommandFreed) -> StoredCommand | None:
    """Let a command that was parked or refused before go again."""
    if known is None or known.state not in ("parked", "refused"):
        return known
    if known.settled_at is None or known.settled_at >= told.released_at:
        return known
    return msgspec.structs.replace(known, state="due", reason=None, released_at=told.released_at)


class JurnalCommands:
    """The projection `jurnal_commands`: what to ask of Jurnal, and what came of it."""

    name: ClassVar[str] = "jurnal_commands"
    state_type: ClassVar[Any] = DOCUMENT_STATES
    row_tables: ClassVar[Sequence[str]] = ("command",)
    tables: ClassVar[Sequence[Table]] = (
        Table(__package__, "add_commands", CommandAdded, merge=first_row, stored=StoredCommand, apply=_add),
        Table(__package__, "add_sends", SendAdded, merge=first_row, live_only=True),
        Table(__package__, "settle_commands", CommandSettled, stored=StoredCommand, apply=_settle),
        Table(__package__, "park_commands", CommandHeldBack, merge=first_row, stored=StoredCommand, apply=_hold_back),
        Table(__package__, "release_commands", CommandFreed, merge=first_row, stored=StoredCommand, apply=_free),
    )

    def keys(self, fact: Fact, meaning: Meaning) -> Sequence[str]:
        """Return settings, document, and what may wait for the fact."""
        return document_keys(fact, meaning)

    def evolve(self, states: States, fact: Fact, meaning: Meaning) -> Evolved:
        """Add the commands that a report asks for; settle one that Jurnal answered."""
        match meaning:
            case CommandAccepted():
                document = _DOCUMENT.encode(meaning.document)
                return _settled(meaning.attempted.command_id, "accepted", None, document, fact)
            case CommandRefused():
                return _settled(meaning.attempted.command_id, "refused", meaning.reason, None, fact)
            case CommandParked():
                return Evolved({}, (_held_back(meaning, fact),))
            case CommandReleased():
                return Evolved({}, (CommandFreed(command_id=meaning.command_id, released_at=fact.position),))
            case _:
                told = tell(states, fact, meaning)
                planned = [decision for decision in told.decisions if isinstance(decision, Planned)]
                if not planned:
                    return Evolved(told.states, ()) if told.states else NOTHING
                assert told.settings.connection is not None
                return Evolved(told.states, _all_added(planned, told.settings.connection.company_id, fact))


def _held_back(parked: CommandParked, fact: Fact) -> CommandHeldBack:
    return CommandHeldBack(command_id=parked.command_id, reason=parked.reason, settled_at=fact.position)


def _settled(command_id: str, state: str, reason: str | None, document: bytes | None, fact: Fact) -> Evolved:
    settled = CommandSettled(
        command_id=command_id, state=state, reason=reason, document=document, settled_at=fact.position
    )
    return Evolved({}, (settled,))


def _all_added(planned: Sequence[Planned], company_id: str, fact: Fact) -> list[Row]:
    """Return the rows of commands, numbered lane by lane: one setting may let thousands of lanes go."""
    rows: list[Row] = []
    in_lane: Counter[str] = Counter()
    for decision in planned:
        rows += _added(decision, company_id, fact, in_lane[decision.lane])
        in_lane[decision.lane] += 1
    return rows


def _added(decision: Planned, company_id: str, fact: Fact, ordinal: int) -> tuple[Row, Row]:
    command = CommandAdded(
        command_id=decision.command_id,
        company_id=company_id,
        # A lane is named as the stream of its document: a customer's answers never wait behind one of its orders.
        stream_id=decision.lane,
        record_id=decision.record.record_id,
        lane=decision.lane,
        position=fact.position,
        ordinal=ordinal,
        kind=type(decision.command).__name__,
        body=ENCODER.encode(decision.command),
        needs=" ".join(decision.needs),
    )
    return command, SendAdded(command_id=decision.command_id, company_id=company_id)
