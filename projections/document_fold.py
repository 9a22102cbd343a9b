"""What the projections about business documents share: settings and document states by key, and one fold of both."""

from collections.abc import Sequence

import msgspec

from eventstore.event import Fact
from eventstore.facts.registry import Meaning
from eventstore.facts.reports.transfers import TransferReport
from eventstore.facts.settings import (
    SETTINGS_STREAM,
    LiveModeActivated,
    OutletMapped,
    StoreConnected,
    SyncRequested,
    SyncWindowOpened,
)
from projections.changes.orders import OrderState
from projections.changes.payouts import PayoutState
from projections.changes.returns import Returns
from projections.changes.settings import StoreSettings, evolve_settings
from projections.changes.transfers import TransferState
from projections.changes.waiting import WAITING_KEYS, Waiting
from projections.jurnal_commands.decide import fold_document, is_document
from projections.jurnal_commands.decision import Decision
from projections.projection import States
from projections.transfer_fold import TransfersTold, tell_setting, tell_sync, tell_transfer, transfer_keys

DOCUMENT_STATES = StoreSettings | OrderState | TransferState | PayoutState | Waiting | Returns


class Told(msgspec.Struct, frozen=True):
    """New states by key, the decisions that follow, and what they concern.

    `settings` are those after the fact. `document` is the state of the fact's own document (None: unchanged);
    `transfers` are all transfers it touched, by stream: a setting or a sync window touches those that wait for it.
    """

    states: dict[str, msgspec.Struct]
    settings: StoreSettings
    decisions: Sequence[Decision] = ()
    document: OrderState | TransferState | PayoutState | None = None
    transfers: dict[str, TransferState] = {}


def document_keys(fact: Fact, meaning: Meaning) -> Sequence[str]:
    """Return the keys of the states a fact about a document, a setting or a sync needs."""
    match meaning:
        case StoreConnected() | OutletMapped() | SyncWindowOpened() | SyncRequested():
            return (SETTINGS_STREAM, *WAITING_KEYS)
        case TransferReport():
            return (SETTINGS_STREAM, fact.stream_id, *transfer_keys(fact.stream_id, meaning))
        case _:
            return (SETTINGS_STREAM, fact.stream_id)


def settings_in(states: States) -> StoreSettings:
    """Return the store's settings so far."""
    settings = states.get(SETTINGS_STREAM)
    assert settings is None or isinstance(settings, StoreSettings)
    return settings or StoreSettings()


def tell(states: States, fact: Fact, meaning: Meaning) -> Told:
    """Fold one fact into settings or document states; facts of other kinds tell nothing here."""
    settings = settings_in(states)
    match meaning:
        case StoreConnected() | OutletMapped() | LiveModeActivated():
            settings = evolve_settings(settings, meaning, fact.position)
            told = tell_setting(states, settings, fact, meaning)
            return _of_transfers(told, settings, {SETTINGS_STREAM: settings})
        case SyncWindowOpened() | SyncRequested():
            return _of_transfers(tell_sync(states, settings, fact, meaning), settings, {})
        case TransferReport():
            return _of_transfers(tell_transfer(states, settings, fact, meaning), settings, {}, fact.stream_id)
        case _ if is_document(meaning):
            known = states.get(fact.stream_id)
            assert known is None or isinstance(known, OrderState | TransferState | PayoutState)
            document, decisions = fold_document(known, settings, fact, meaning)
            return Told({} if document is None else {fact.stream_id: document}, settings, decisions, document)
        case _:
            return Told({}, settings)


def _of_transfers(
    told: TransfersTold, settings: StoreSettings, more: dict[str, msgspec.Struct], stream_id: str | None = None
) -> Told:
    document = None if stream_id is None else told.transfers[stream_id]
    return Told({**more, **told.states}, settings, told.decisions, document, told.transfers)
