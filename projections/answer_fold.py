"""Folds what becomes of a document's commands: what Jurnal refuses is planned anew where it would be another by now."""

import msgspec

from eventstore.event import Fact
from eventstore.facts.answers import IN_DOUBT, SHORT_OF_STOCK, CommandAccepted, CommandRefused
from eventstore.facts.operators import CommandReleased
from projections.changes.orders import OrderState
from projections.changes.payouts import PayoutState
from projections.changes.settings import StoreSettings
from projections.changes.transfers import TransferState
from projections.changes.waiting import Waiting, WaitingDocument, waiting_key
from projections.projection import States
from projections.waiting_fold import DocumentsTold, judged, keeping

# It goes again by itself when goods come in; or a person has to say that it is not in Jurnal.
_OTHERWISE = frozenset({SHORT_OF_STOCK, IN_DOUBT})


def tell_answer(
    states: States, settings: StoreSettings, fact: Fact, answer: CommandRefused | CommandReleased | CommandAccepted
) -> DocumentsTold:
    """Note which of a document's commands stand refused; a refusal or a release is the time to plan them anew."""
    match answer:
        case CommandRefused():
            return _refused(states, settings, fact, answer)
        case CommandReleased():
            return _released(states, settings, fact, answer)
        case CommandAccepted():
            return _accepted(states, fact, answer)


def _refused(states: States, settings: StoreSettings, fact: Fact, answer: CommandRefused) -> DocumentsTold:
    document, command_id = states.get(fact.stream_id), answer.attempted.command_id
    if not isinstance(document, OrderState | TransferState | PayoutState) or fact.position <= document.anew_at:
        return DocumentsTold()
    asked = next((each for each in document.asked if each.command_id == command_id), None)
    if asked is None:
        return DocumentsTold()
    if not _OTHERWISE.isdisjoint(answer.fields):
        return _kept(states, _without(document, command_id))
    refused = (*_without(document, command_id).refused, command_id)
    return judged(msgspec.structs.replace(document, refused=refused), states, settings, fact)


def _released(states: States, settings: StoreSettings, fact: Fact, word: CommandReleased) -> DocumentsTold:
    document, command_id = states.get(fact.stream_id), word.command_id
    if not isinstance(document, OrderState | TransferState | PayoutState) or command_id not in document.refused:
        return DocumentsTold()
    told = judged(document, states, settings, fact, retried=True)
    after = _kept({**states, **told.states}, _without(told.documents[fact.stream_id], command_id))
    return DocumentsTold({**told.states, **after.states}, told.decisions, after.documents)


def _accepted(states: States, fact: Fact, answer: CommandAccepted) -> DocumentsTold:
    """Note that a command that was refused is in Jurnal after all; a document with such a one stands in its shard."""
    shard = states.get(waiting_key(fact.stream_id))
    document = shard.documents.get(fact.stream_id) if isinstance(shard, Waiting) else None
    if document is None or answer.attempted.command_id not in document.refused:
        return DocumentsTold()
    return _kept(states, _without(document, answer.attempted.command_id))


def _without(document: WaitingDocument, command_id: str) -> WaitingDocument:
    refused = tuple(each for each in document.refused if each != command_id)
    return msgspec.structs.replace(document, refused=refused)


def _kept(states: States, document: WaitingDocument) -> DocumentsTold:
    return DocumentsTold(keeping(document, states), (), {document.stream_id: document})
