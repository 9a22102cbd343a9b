"""What the projections about business documents share: settings and document states by key, and one fold of both."""

from collections.abc import Sequence

import msgspec

from eventstore.event import Fact
from eventstore.facts.registry import Meaning
from eventstore.facts.settings import SETTINGS_STREAM, LiveModeActivated, OutletMapped, StoreConnected
from projections.changes.orders import OrderState
from projections.changes.payouts import PayoutState
from projections.changes.settings import StoreSettings, evolve_settings
from projections.changes.transfers import TransferState
from projections.jurnal_commands.decide import fold_document, is_document
from projections.jurnal_commands.decision import Decision
from projections.projection import States

DOCUMENT_STATES = StoreSettings | OrderState | TransferState | PayoutState


class Told(msgspec.Struct, frozen=True):
    """New states by key, the decisions that follow, and the document's state after the fact (None: unchanged)."""

    states: dict[str, msgspec.Struct]
    decisions: Sequence[Decision] = ()
    document: OrderState | TransferState | PayoutState | None = None


UNTOLD = Told({})


def document_keys(fact: Fact) -> Sequence[str]:
    """Return the keys of the states a fact about a document or a setting needs."""
    return (SETTINGS_STREAM, fact.stream_id)


def settings_in(states: States) -> StoreSettings:
    """Return the store's settings so far."""
    settings = states.get(SETTINGS_STREAM)
    assert settings is None or isinstance(settings, StoreSettings)
    return settings or StoreSettings()


def tell(states: States, fact: Fact, meaning: Meaning) -> Told:
    """Fold one fact into settings or document states; facts of other kinds tell nothing here."""
    settings = settings_in(states)
    if isinstance(meaning, StoreConnected | OutletMapped | LiveModeActivated):
        return Told({SETTINGS_STREAM: evolve_settings(settings, meaning, fact.position)})
    if not is_document(meaning):
        return UNTOLD
    known = states.get(fact.stream_id)
    assert known is None or isinstance(known, OrderState | TransferState | PayoutState)
    document, decisions = fold_document(known, settings, fact, meaning)
    return Told({} if document is None else {fact.stream_id: document}, decisions, document)
