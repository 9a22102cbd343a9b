"""What the projections about business documents share: settings and document states by key, and one fold of both."""

from collections.abc import Sequence
from typing import assert_never

import msgspec

from eventstore.event import Fact
from eventstore.facts.answers import CommandAccepted, CommandRefused
from eventstore.facts.incidents import PayloadUnreadable
from eventstore.facts.operators import CommandReleased, ProductsImportRequested, RecordRetried, RecordSkipped
from eventstore.facts.reconciliation import DuplicateDeletionRequested
from eventstore.facts.registry import Meaning
from eventstore.facts.reports.orders import OrderReport, Transaction
from eventstore.facts.reports.payouts import PayoutReport
from eventstore.facts.reports.refunds import RefundReport
from eventstore.facts.reports.shifts import RegisterShiftReport
from eventstore.facts.reports.transfers import TransferReport
from eventstore.facts.settings import (
    SETTINGS_STREAM,
    BooksClosed,
    ChannelMapped,
    LiveModeActivated,
    MappingRemoved,
    OutletMapped,
    SalesAccountsMapped,
    SalesRulesSet,
    Setting,
    StoreConnected,
    SyncFact,
    SyncRequested,
    SyncWindowOpened,
)
from projections.answer_fold import makes_product, tell_answer
from projections.changes.orders import OrderState
from projections.changes.payouts import PayoutState
from projections.changes.products import ProductState, product_stream
from projections.changes.returns import Returns
from projections.changes.settings import StoreSettings, evolve_settings
from projections.changes.shifts import SHIFTS_KEY, Shifts
from projections.changes.transfers import TransferState
from projections.changes.waiting import (
    SALES_WINDOW_NEED,
    SETTINGS_NEED,
    WAITING_KEYS,
    WINDOW_NEED,
    Waiting,
    WaitingDocument,
    account_need,
    outlet_need,
    waiting_key,
)
from projections.jurnal_commands.decide import unreadable
from projections.jurnal_commands.decide_repair import decide_repair
from projections.jurnal_commands.decision import Decision, Superseded
from projections.jurnal_commands.identity import commands_of_record
from projections.order_fold import order_keys, tell_order, tell_sales_sync, tell_shift
from projections.payout_fold import tell_payout, tell_payout_word
from projections.product_fold import tell_import, tell_product_word
from projections.projection import States
from projections.transfer_fold import tell_transfer, tell_transfer_sync, tell_transfer_word, transfer_keys
from projections.waiting_fold import DocumentsTold, judged, judged_again

DocumentState = WaitingDocument
DOCUMENT_STATES = StoreSettings | DocumentState | Waiting | Returns | Shifts

_ACCOUNTS = ("loss_account", "goods_received_account", "stock_adjustment_account")


class Told(msgspec.Struct, frozen=True):
    """New states by key, and the decisions that follow.

    `settings` are those after the fact. `documents` are all documents it touched, by stream: a setting, a window or a
    shift touches those that wait for it. `skipped`: commands planned before that a person has seen to. `freed`: those
    that go again as they were planned. `superseded`: those that others take the place of.
    """

    states: dict[str, msgspec.Struct]
    settings: StoreSettings
    decisions: Sequence[Decision] = ()
    documents: dict[str, DocumentState] = {}
    skipped: tuple[str, ...] = ()
    freed: tuple[str, ...] = ()
    superseded: Sequence[Superseded] = ()


def document_keys(  # noqa: C901, PLR0911 - one branch for each kind of fact
    fact: Fact, meaning: Meaning
) -> Sequence[str]:
    """Return the keys of the states a fact about a document, a setting, a sync or a shift needs."""
    match meaning:
        case LiveModeActivated() | DuplicateDeletionRequested():
            return (SETTINGS_STREAM,)
        case ProductsImportRequested():
            streams = [product_stream(product.product_id) for product in meaning.products]
            return (SETTINGS_STREAM, SHIFTS_KEY, *streams, *map(waiting_key, streams))
        case _ if isinstance(meaning, Setting | SyncFact):
            return (SETTINGS_STREAM, SHIFTS_KEY, *WAITING_KEYS)
        case RegisterShiftReport():
            # An open shift moves nothing.
            return () if meaning.closed_date is None else (SETTINGS_STREAM, SHIFTS_KEY, *WAITING_KEYS)
        case TransferReport():
            return (SETTINGS_STREAM, fact.stream_id, *transfer_keys(fact.stream_id, meaning))
        case OrderReport() | Transaction() | RefundReport():
            return (SETTINGS_STREAM, fact.stream_id, *order_keys(fact.stream_id))
        case RecordRetried() | RecordSkipped() | CommandRefused() | CommandReleased():
            return (SETTINGS_STREAM, fact.stream_id, waiting_key(fact.stream_id), SHIFTS_KEY)
        case CommandAccepted() if makes_product(meaning):
            return (SETTINGS_STREAM, SHIFTS_KEY, *WAITING_KEYS)
        case CommandAccepted():
            return (waiting_key(fact.stream_id),)
        case PayoutReport():
            return (SETTINGS_STREAM, fact.stream_id, waiting_key(fact.stream_id))
        case _:
            return ()


def settings_in(states: States) -> StoreSettings:
    """Return the store's settings so far."""
    settings = states.get(SETTINGS_STREAM)
    assert settings is None or isinstance(settings, StoreSettings)
    return settings or StoreSettings()


def document_in(states: States, stream_id: str) -> DocumentState | None:
    """Return what is known of a stream's document."""
    known = states.get(stream_id)
    assert known is None or isinstance(known, DocumentState)
    return known


def tell(states: States, fact: Fact, meaning: Meaning) -> Told:
    """Fold one fact into settings or document states; facts of other kinds tell nothing here."""
    settings = settings_in(states)
    if isinstance(meaning, Setting):
        settings = evolve_settings(settings, meaning, fact.position)
        told = _tell_setting(states, settings, fact, meaning)
        return Told(
            {SETTINGS_STREAM: settings, **told.states},
            settings,
            told.decisions,
            dict(told.documents),
            superseded=told.superseded,
        )
    if isinstance(meaning, PayloadUnreadable):
        return Told({}, settings, (unreadable(fact, meaning),))
    if isinstance(meaning, DuplicateDeletionRequested):
        return Told({}, settings, decide_repair(settings, fact, meaning))
    told = _tell_document(states, settings, fact, meaning)
    skipped = _skipped(states, fact, meaning) if isinstance(meaning, RecordSkipped) else ()
    return Told(told.states, settings, told.decisions, dict(told.documents), skipped, told.freed, told.superseded)


def _tell_document(  # noqa: PLR0911 - one branch for each kind of fact
    states: States, settings: StoreSettings, fact: Fact, meaning: Meaning
) -> DocumentsTold:
    match meaning:
        case OrderReport() | Transaction() | RefundReport():
            return tell_order(states, settings, fact, meaning)
        case TransferReport():
            return tell_transfer(states, settings, fact, meaning)
        case ProductsImportRequested():
            return tell_import(states, settings, fact, meaning)
        case PayoutReport():
            return tell_payout(states, settings, fact, meaning)
        case RegisterShiftReport():
            return tell_shift(states, settings, fact, meaning)
        case SyncWindowOpened() | SyncRequested():
            return _tell_sync(states, settings, fact, meaning)
        case RecordRetried() | RecordSkipped():
            return _tell_word(states, settings, fact, meaning)
        case CommandRefused() | CommandReleased() | CommandAccepted():
            return tell_answer(states, settings, fact, meaning)
        case _:
            return DocumentsTold()


def _tell_setting(states: States, settings: StoreSettings, fact: Fact, setting: Setting) -> DocumentsTold:
    """Judge again what waited for a setting that stands now."""
    match setting:
        case StoreConnected():
            mapped = (account_need(name) for name in _ACCOUNTS if getattr(setting, name) is not None)
            met = {WINDOW_NEED, SALES_WINDOW_NEED, SETTINGS_NEED, *mapped}
        case OutletMapped():
            met = {SETTINGS_NEED, outlet_need(setting.outlet_id)}
        case SalesRulesSet():
            met = {SETTINGS_NEED, SALES_WINDOW_NEED}
        case ChannelMapped() | SalesAccountsMapped() | BooksClosed():
            met = {SETTINGS_NEED}
        case MappingRemoved():
            # What waits for its time says at once that it will not go then.
            met = {SETTINGS_NEED, WINDOW_NEED, SALES_WINDOW_NEED}
        case LiveModeActivated():
            return DocumentsTold()
        case _:
            assert_never(setting)
    return judged_again(states, settings, fact, frozenset(met))


def _tell_sync(states: States, settings: StoreSettings, fact: Fact, sync: SyncFact) -> DocumentsTold:
    match sync.scope:
        case "transfers":
            return tell_transfer_sync(states, settings, fact, sync)
        case "sales":
            return tell_sales_sync(states, settings, fact, sync)
        case _:
            assert_never(sync.scope)


def _tell_word(
    states: States, settings: StoreSettings, fact: Fact, word: RecordRetried | RecordSkipped
) -> DocumentsTold:
    """Judge again what a person spoke of; a stream without a document of its own has nothing to judge."""
    match document_in(states, fact.stream_id):
        case OrderState() as order:
            if isinstance(word, RecordSkipped):
                return tell_order(states, settings, fact, word)
            return judged(order, states, settings, fact)
        case TransferState():
            return tell_transfer_word(states, settings, fact, word)
        case PayoutState() as payout:
            return tell_payout_word(payout, states, settings, fact, word)
        case ProductState() as product:
            return tell_product_word(product, states, settings, fact, word)
        case _:
            return DocumentsTold()


def _skipped(states: States, fact: Fact, word: RecordSkipped) -> tuple[str, ...]:
    """Return the commands that were planned for a record."""
    document = document_in(states, fact.stream_id)
    if isinstance(document, OrderState | TransferState | ProductState):
        return tuple(asked.command_id for asked in document.asked if asked.record_id == word.record_id)
    return commands_of_record(fact.store_id, word.record_id)
