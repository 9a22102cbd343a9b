"""Folds decisions into commands, and Jurnal's answers into their ends. The dispatcher never writes these words."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar

import msgspec

from eventstore.event import Fact
from eventstore.facts.answers import SHORT_OF_STOCK, CommandAccepted, CommandRefused
from eventstore.facts.operators import CommandParked, CommandReleased, RecordSkipped
from eventstore.facts.reconciliation import DocumentResendRequested
from eventstore.facts.registry import Meaning
from projections.changes.orders import OrderState
from projections.changes.transfers import TransferState
from projections.changes.verdict import seen_to_by
from projections.document_fold import DOCUMENT_STATES, Told, document_keys, tell
from projections.jurnal_commands.commands import ENCODER
from projections.jurnal_commands.decision import Planned
from projections.jurnal_commands.shortage import (
    INFLOWS,
    SHORT_KEYS,
    ShortOfStock,
    StockMoved,
    freed_by,
    needed_stock,
    short_key,
    shortage_reason,
    stock_key,
    stock_states,
    with_short,
)
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
    short_since: datetime | None = None


class CommandPlannedAnew(Row, frozen=True, kw_only=True):
    """Another body under the same identity, instead of one that Jurnal refused (`was_refused`) or that was never sent.

    It never replaces what may be in Jurnal or on its way there. What was refused goes again, looked up first.
    """

    command_id: str
    body: bytes
    needs: str
    was_refused: bool
    planned_at: int


class SendAdded(Row, frozen=True, kw_only=True):
    """The command's way over the wire, made with it; from then on the dispatcher alone moves it."""

    command_id: str
    company_id: str
    kind: str


class CommandSettled(Row, frozen=True, kw_only=True):
    """Jurnal's last word on a command. `short_since`: when it was refused, if only for want of stock."""

    command_id: str
    state: str
    reason: str | None
    document: bytes | None
    settled_at: int
    short_since: datetime | None


class CommandHeldBack(Row, frozen=True, kw_only=True):
    """An operator parked a command that was not settled yet."""

    command_id: str
    reason: str
    settled_at: int


class CommandFreed(Row, frozen=True, kw_only=True):
    """A parked or refused command may go again: an operator released it, or goods came in that it was short of."""

    command_id: str
    released_at: int


class CommandReopened(Row, frozen=True, kw_only=True):
    """What Jurnal accepted and has no more is to go again, as a person asked: looked up first, as after any release."""

    command_id: str
    reopened_at: int


class CommandSuperseded(Row, frozen=True, kw_only=True):
    """Other commands took the place of one that Jurnal refused, or that was never sent behind such a one."""

    command_id: str
    reason: str
    settled_at: int


class CommandSkipped(Row, frozen=True, kw_only=True):
    """A person has seen to what a command was to do: it is not sent any more, and its lane goes on."""

    command_id: str
    reason: str
    settled_at: int


def _add(known: StoredCommand | None, told: CommandAdded) -> StoredCommand:
    """Add a command; the first decision stands, unless it was superseded since: then it goes in its new place."""
    if known is not None and known.state != "superseded":
        return known
    fields = {**msgspec.structs.asdict(told), "needs": told.needs.split()}
    return StoredCommand(state="due", released_at=0 if known is None else told.position, **fields)


def _settle(known: StoredCommand | None, told: CommandSettled) -> StoredCommand | None:
    """Give a command Jurnal's last word, unless it was let go since; what was ended counts only if it is there."""
    if known is None or known.released_at >= told.settled_at:
        return known
    if known.state in ("skipped", "superseded") and told.state == "refused":
        return known
    short_since = None if told.short_since is None else known.short_since or told.short_since
    return msgspec.structs.replace(
        known,
        state=told.state,
        reason=told.reason,
        document=told.document,
        settled_at=told.settled_at,
        short_since=short_since,
    )


def _last_word(known: CommandSettled, told: CommandSettled) -> CommandSettled:
    """Keep the later word, and since when it is about stock."""
    since = None if told.short_since is None else known.short_since or told.short_since
    return msgspec.structs.replace(told, short_since=since)


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


def _reopen(known: StoredCommand | None, told: CommandReopened) -> StoredCommand | None:
    """Let a command go again that was accepted before the word."""
    if known is None or known.state != "accepted" or (known.settled_at or 0) >= told.reopened_at:
        return known
    return msgspec.structs.replace(known, state="due", document=None, released_at=told.reopened_at)


def _skip(known: StoredCommand | None, told: CommandSkipped) -> StoredCommand | None:
    """End a command that is not in Jurnal."""
    if known is None or known.state in ("accepted", "superseded"):
        return known
    return msgspec.structs.replace(known, state="skipped", reason=told.reason, settled_at=told.settled_at)


def _supersede(known: StoredCommand | None, told: CommandSuperseded) -> StoredCommand | None:
    """End a command that is not in Jurnal and not on its way."""
    if known is None or known.state not in ("refused", "due", "parked"):
        return known
    return msgspec.structs.replace(known, state="superseded", reason=told.reason, settled_at=told.settled_at)


def _replan(known: StoredCommand | None, told: CommandPlannedAnew) -> StoredCommand | None:
    """Replace a body that is not in Jurnal and not on its way."""
    if known is None or known.state not in (("refused",) if told.was_refused else ("due", "parked")):
        return known
    known = msgspec.structs.replace(known, body=told.body, needs=told.needs.split())
    if not told.was_refused:
        return known
    return msgspec.structs.replace(known, state="due", reason=None, released_at=told.planned_at)


def _last_body(known: CommandPlannedAnew, told: CommandPlannedAnew) -> CommandPlannedAnew:
    """Keep the last body; what goes again by the first goes with it."""
    return msgspec.structs.replace(known, body=told.body, needs=told.needs)


class JurnalCommands:
    """The projection `jurnal_commands`: what to ask of Jurnal, and what came of it."""

    name: ClassVar[str] = "jurnal_commands"
    state_type: ClassVar[Any] = DOCUMENT_STATES | StockMoved | ShortOfStock
    row_tables: ClassVar[Sequence[str]] = ("command",)
    tables: ClassVar[Sequence[Table]] = (
        Table(__package__, "add_commands", CommandAdded, merge=first_row, stored=StoredCommand, apply=_add),
        Table(
            __package__, "replan_commands", CommandPlannedAnew, merge=_last_body, stored=StoredCommand, apply=_replan
        ),
        Table(__package__, "add_sends", SendAdded, merge=first_row, live_only=True),
        Table(__package__, "settle_commands", CommandSettled, merge=_last_word, stored=StoredCommand, apply=_settle),
        Table(__package__, "park_commands", CommandHeldBack, merge=first_row, stored=StoredCommand, apply=_hold_back),
        Table(__package__, "release_commands", CommandFreed, merge=first_row, stored=StoredCommand, apply=_free),
        Table(__package__, "reopen_commands", CommandReopened, merge=first_row, stored=StoredCommand, apply=_reopen),
        Table(__package__, "skip_commands", CommandSkipped, merge=first_row, stored=StoredCommand, apply=_skip),
        Table(
            __package__,
            "supersede_commands",
            CommandSuperseded,
            merge=first_row,
            stored=StoredCommand,
            apply=_supersede,
        ),
    )

    def keys(self, fact: Fact, meaning: Meaning) -> Sequence[str]:
        """Return settings, document, and what may wait for the fact."""
        match meaning:
            case CommandAccepted() if meaning.document.resource in INFLOWS:
                return (stock_key(meaning.attempted.command_id), *SHORT_KEYS, *document_keys(fact, meaning))
            case CommandRefused():
                command_id = meaning.attempted.command_id
                return (short_key(command_id), stock_key(command_id), *document_keys(fact, meaning))
            case CommandParked() | CommandReleased():
                return (short_key(meaning.command_id), *document_keys(fact, meaning))
            case _:
                return document_keys(fact, meaning)

    def evolve(self, states: States, fact: Fact, meaning: Meaning) -> Evolved:
        """Add the commands that a report asks for; settle one that Jurnal answered."""
        match meaning:
            case CommandAccepted():
                return _accepted(states, meaning, fact)
            case CommandRefused():
                return _refused(states, meaning, fact)
            case CommandParked():
                waits_no_longer = with_short(states, meaning.command_id, None)
                return Evolved(waits_no_longer, (_held_back(meaning, fact),))
            case CommandReleased():
                freed = CommandFreed(command_id=meaning.command_id, released_at=fact.position)
                told = _told(states, meaning, fact)
                waits_no_longer = with_short(states, meaning.command_id, None)
                return Evolved({**told.states, **waits_no_longer}, (*told.rows, freed))
            case DocumentResendRequested():
                return Evolved({}, (CommandReopened(command_id=meaning.command_id, reopened_at=fact.position),))
            case _:
                return _told(states, meaning, fact)


def _accepted(states: States, answer: CommandAccepted, fact: Fact) -> Evolved:
    settled = CommandSettled(
        command_id=answer.attempted.command_id,
        state="accepted",
        reason=None,
        document=_DOCUMENT.encode(answer.document),
        settled_at=fact.position,
        short_since=None,
    )
    shards, freed = freed_by(states, answer.attempted.command_id)
    again = (CommandFreed(command_id=command_id, released_at=fact.position) for command_id in freed)
    told = _told(states, answer, fact)
    return Evolved({**told.states, **shards}, (settled, *again, *told.rows))


def _refused(states: States, answer: CommandRefused, fact: Fact) -> Evolved:
    command_id = answer.attempted.command_id
    short = needed_stock(states, command_id, fact.stream_id) if SHORT_OF_STOCK in answer.fields else None
    settled = CommandSettled(
        command_id=command_id,
        state="refused",
        reason=answer.reason if short is None else shortage_reason(short, answer.reason),
        document=None,
        settled_at=fact.position,
        short_since=None if short is None else fact.recorded_at,
    )
    told = _told(states, answer, fact)
    return Evolved({**told.states, **with_short(states, command_id, short)}, (settled, *told.rows))


def _told(states: States, meaning: Meaning, fact: Fact) -> Evolved:
    told = tell(states, fact, meaning)
    skipped: list[Row] = []
    if isinstance(meaning, RecordSkipped):
        reason = seen_to_by(meaning)
        skipped += (
            CommandSkipped(command_id=command_id, reason=reason, settled_at=fact.position)
            for command_id in told.skipped
        )
    freed = [CommandFreed(command_id=command_id, released_at=fact.position) for command_id in told.freed]
    ended = [
        CommandSuperseded(command_id=each.asked.command_id, reason=each.reason, settled_at=fact.position)
        for each in told.superseded
    ]
    planned = [decision for decision in told.decisions if isinstance(decision, Planned)]
    if not planned:
        rows = [*ended, *skipped, *freed]
        return Evolved(told.states, rows) if told.states or rows else NOTHING
    added = _all_added(planned, told, fact)
    return Evolved({**told.states, **stock_states(planned)}, [*ended, *added, *skipped, *freed])


def _held_back(parked: CommandParked, fact: Fact) -> CommandHeldBack:
    return CommandHeldBack(command_id=parked.command_id, reason=parked.reason, settled_at=fact.position)


def _all_added(planned: Sequence[Planned], told: Told, fact: Fact) -> list[Row]:
    """Return the rows of commands, numbered lane by lane: one setting may let thousands of lanes go."""
    assert told.settings.connection is not None
    rows: list[Row] = []
    in_lane: Counter[str] = Counter()
    for decision in planned:
        document = told.documents.get(decision.lane)
        asked = document.asked if isinstance(document, OrderState | TransferState) else ()
        own = next((each.needs for each in asked if each.command_id == decision.command_id), ())
        needs = tuple(dict.fromkeys((*decision.needs, *own)))
        if decision.instead_of:
            rows.append(_anew(decision, needs, fact))
            continue
        rows += _added(decision, needs, told.settings.connection.company_id, fact, in_lane[decision.lane])
        in_lane[decision.lane] += 1
    return rows


def _anew(decision: Planned, needs: tuple[str, ...], fact: Fact) -> CommandPlannedAnew:
    return CommandPlannedAnew(
        command_id=decision.command_id,
        body=ENCODER.encode(decision.command),
        needs=" ".join(needs),
        was_refused=decision.instead_of == "refused",
        planned_at=fact.position,
    )


def _added(decision: Planned, needs: tuple[str, ...], company_id: str, fact: Fact, ordinal: int) -> tuple[Row, Row]:
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
        needs=" ".join(needs),
    )
    return command, SendAdded(command_id=command.command_id, company_id=company_id, kind=command.kind)
