"""Documents that wait for a setting, a sync window or the closing of a shift, found again by the fact they wait for.

A fact can ask for states only by keys it knows. A document's own fact knows its shard; a setting, a window or a shift,
which knows no document, asks for all shards. Each shard holds the waiting documents whole, so nothing else is needed.
"""

from collections.abc import Iterable, Mapping
from zlib import crc32

import msgspec

from projections.changes.orders import OrderState
from projections.changes.payouts import PayoutState
from projections.changes.products import ProductState
from projections.changes.transfers import TransferState

# A shard is written again with every change of one of its documents: many shards keep that cheap when thousands wait.
_SHARDS = 1_024
WINDOW_NEED = "window:transfers"
SALES_WINDOW_NEED = "window:sales"
# Any mapping or rule may mend what waits with this: it is judged again with every change of them.
SETTINGS_NEED = "settings"

WaitingDocument = TransferState | OrderState | PayoutState | ProductState


class Waiting(msgspec.Struct, frozen=True, tag="waiting"):
    """The waiting documents of one shard by stream.

    `needs` says what each waits for: a fact that concerns few of thousands looks at nothing else.
    """

    documents: dict[str, WaitingDocument] = {}
    needs: dict[str, tuple[str, ...]] = {}


def waiting_key(stream_id: str) -> str:
    """Return the key of the shard that holds a stream's document while it waits."""
    return WAITING_KEYS[crc32(stream_id.encode()) % _SHARDS]


WAITING_KEYS = tuple(f"waiting/{number:04}" for number in range(_SHARDS))


def outlet_need(outlet_id: str) -> str:
    """Return the name of the need that this outlet is mapped."""
    return f"outlet:{outlet_id}"


def account_need(setting: str) -> str:
    """Return the name of the need that this account of the store is mapped."""
    return f"account:{setting}"


def made_need(command_id: str) -> str:
    """Return the name of the need that this command has made what it makes."""
    return f"made:{command_id}"


def shift_need(register_id: str) -> str:
    """Return the name of the need that the shift of this register is closed."""
    return f"shift:{register_id}"


def waits_for(document: WaitingDocument) -> tuple[str, ...]:
    """Return all that a document waits for.

    What Jurnal refused may be planned otherwise once a setting changes, and goes once a product is made that it lacked.
    """
    if not document.refused:
        return document.needs()
    lacks = (need for each in document.lacks.values() for need in each)
    return tuple(dict.fromkeys((*document.needs(), SETTINGS_NEED, *map(made_need, lacks))))


def kept_waiting(shard: Waiting, document: WaitingDocument) -> Waiting:
    """Return the shard with the document in it if it waits for something, without it otherwise."""
    documents, needs = dict(shard.documents), dict(shard.needs)
    documents.pop(document.stream_id, None)
    needs.pop(document.stream_id, None)
    if needed := waits_for(document):
        documents[document.stream_id], needs[document.stream_id] = document, needed
    return Waiting(documents, needs)


def waiting_for(shards: Iterable[Waiting], met: frozenset[str]) -> Mapping[str, WaitingDocument]:
    """Return the documents that wait for one of the needs that are met now, in the order of their streams."""
    found = {
        stream_id: shard.documents[stream_id]
        for shard in shards
        for stream_id, needs in shard.needs.items()
        if not met.isdisjoint(needs)
    }
    return dict(sorted(found.items()))
