"""Folds what becomes of a document's commands: what Jurnal refuses is planned anew where it would be another by now."""

import msgspec

from eventstore.event import Fact
from eventstore.facts.answers import (
    IN_DOUBT,
    LACKS_PRODUCT,
    NOT_ALLOWED,
    SHORT_OF_STOCK,
    CommandAccepted,
    CommandRefused,
)
from eventstore.facts.operators import CommandReleased
from projections.changes.orders import OrderState
from projections.changes.settings import StoreSettings
from projections.changes.waiting import Waiting, WaitingDocument, made_need, waiting_key
from projections.jurnal_commands.identity import product_command_id
from projections.projection import States
from projections.waiting_fold import DocumentsTold, judged, judged_again, keeping

# It goes again by itself when goods come in; or a person has to say that it is not in Jurnal.
_OTHERWISE = frozenset({SHORT_OF_STOCK, IN_DOUBT})
_PRODUCTS = "products"


def makes_product(answer: CommandAccepted) -> bool:
    """Tell whether Jurnal has a product by now that it may have lacked."""
    return answer.document.resource == _PRODUCTS


def tell_answer(
    states: States, settings: StoreSettings, fact: Fact, answer: CommandRefused | CommandReleased | CommandAccepted
) -> DocumentsTold:
    """Note which of a document's commands stand refused; a refusal or a release is the time to plan them anew."""
    match answer:
        case CommandRefused():
            return _refused(states, settings, fact, answer)
        case CommandReleased():
            return _released(states, settings, fact, answer)
        case CommandAccepted() if makes_product(answer):
            return _made(states, settings, fact, answer)
        case CommandAccepted():
            return _accepted(states, fact, answer)


def _refused(states: States, settings: StoreSettings, fact: Fact, answer: CommandRefused) -> DocumentsTold:
    document, command_id = states.get(fact.stream_id), answer.attempted.command_id
    if not isinstance(document, WaitingDocument) or fact.position <= document.anew_at:
        return DocumentsTold()
    asked = next((each for each in document.asked if each.command_id == command_id), None)
    if asked is None:
        return DocumentsTold()
    document = _without(document, command_id)
    if not _OTHERWISE.isdisjoint(answer.fields):
        return _kept(states, document)
    codes = [each.removeprefix(LACKS_PRODUCT) for each in answer.fields if each.startswith(LACKS_PRODUCT)]
    if codes:
        lacks = {**document.lacks, command_id: tuple(product_command_id(fact.store_id, code) for code in codes)}
        document = msgspec.structs.replace(document, lacks=lacks)
    if NOT_ALLOWED in answer.fields and isinstance(document, OrderState):
        not_allowed = {**document.not_allowed, command_id: asked.kind}
        document = msgspec.structs.replace(document, not_allowed=not_allowed)
    refused = (*document.refused, command_id)
    return judged(msgspec.structs.replace(document, refused=refused), states, settings, fact)


def _released(states: States, settings: StoreSettings, fact: Fact, word: CommandReleased) -> DocumentsTold:
    document, command_id = states.get(fact.stream_id), word.command_id
    if not isinstance(document, WaitingDocument) or command_id not in document.refused:
        return DocumentsTold()
    told = judged(document, states, settings, fact, retried=True)
    after = _kept({**states, **told.states}, _without(told.documents[fact.stream_id], command_id))
    states_after = {**told.states, **after.states}
    return msgspec.structs.replace(told, states=states_after, documents=after.documents)


def _made(states: States, settings: StoreSettings, fact: Fact, answer: CommandAccepted) -> DocumentsTold:
    """Let go exactly what lacked the product that is made now; what cannot be planned anew goes as it is."""
    made = answer.attempted.command_id
    told = judged_again(states, settings, fact, frozenset({made_need(made)}), retried=True)
    freed: list[str] = []
    for document in told.documents.values():
        after = document
        for command_id in document.refused:
            if made in document.lacks.get(command_id, ()):
                freed.append(command_id)
                after = _without(after, command_id)
        if after is not document:
            kept = _kept({**states, **told.states}, after)
            states_after, documents = {**told.states, **kept.states}, {**told.documents, **kept.documents}
            told = msgspec.structs.replace(told, states=states_after, documents=documents)
    return msgspec.structs.replace(told, freed=tuple(freed))


def _accepted(states: States, fact: Fact, answer: CommandAccepted) -> DocumentsTold:
    """Note that a command that was refused is in Jurnal after all; a document with such a one stands in its shard."""
    shard = states.get(waiting_key(fact.stream_id))
    document = shard.documents.get(fact.stream_id) if isinstance(shard, Waiting) else None
    if document is None or answer.attempted.command_id not in document.refused:
        return DocumentsTold()
    return _kept(states, _without(document, answer.attempted.command_id))


def _without(document: WaitingDocument, command_id: str) -> WaitingDocument:
    """Return the document without the refusal of a command."""
    refused = tuple(each for each in document.refused if each != command_id)
    lacks = {identity: each for identity, each in document.lacks.items() if identity != command_id}
    document = msgspec.structs.replace(document, refused=refused, lacks=lacks)
    if not isinstance(document, OrderState) or command_id not in document.not_allowed:
        return document
    # Jurnal is asked again, or has it: whatever it did not allow before.
    left = {identity: kind for identity, kind in document.not_allowed.items() if identity != command_id}
    return msgspec.structs.replace(document, not_allowed=left)


def _kept(states: States, document: WaitingDocument) -> DocumentsTold:
    return DocumentsTold(keeping(document, states), (), {document.stream_id: document})
