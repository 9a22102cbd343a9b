"""Type and schema version ↔ Struct: the only codec of the ledger."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import msgspec

from eventstore.errors import UnknownFactType
from eventstore.event import Fact
from eventstore.facts.answers import (
    CommandAccepted,
    CommandConfirmedAbsent,
    CommandPostponed,
    CommandRefused,
    CommandUnanswered,
    MasterDataFound,
)
from eventstore.facts.incidents import IntegrityIncident, PayloadUnreadable
from eventstore.facts.operators import (
    CommandParked,
    CommandReleased,
    ProductsImportRequested,
    RecordRetried,
    RecordSkipped,
    StorePaused,
    StoreResumed,
    StreamFactSkipped,
    StreamRetried,
)
from eventstore.facts.reconciliation import (
    CreditFoundUsedDifferently,
    DifferenceAccepted,
    DifferenceResolved,
    DocumentFoundAltered,
    DocumentFoundMissing,
    DocumentFoundTwice,
    DocumentFoundUnknown,
    DocumentResendRequested,
    DuplicateDeletionRequested,
    InvoiceFoundPaidDifferently,
    RangeReconciled,
    SendingFrozen,
)
from eventstore.facts.reports.customers import MEMBER, MemberReport
from eventstore.facts.reports.kind import ReportKind
from eventstore.facts.reports.orders import (
    FULFILLMENT,
    ORDER,
    TRANSACTION,
    FulfillmentReport,
    OrderReport,
    Transaction,
)
from eventstore.facts.reports.payouts import PAYOUT, PayoutReport
from eventstore.facts.reports.products import PRODUCT, ProductReport
from eventstore.facts.reports.refunds import REFUND, RefundReport
from eventstore.facts.reports.shifts import REGISTER_SHIFT, RegisterShiftReport
from eventstore.facts.reports.transfers import TRANSFER, TransferReport
from eventstore.facts.settings import (
    BooksClosed,
    ChannelMapped,
    LiveModeActivated,
    MappingRemoved,
    OutletMapped,
    SalesAccountsMapped,
    SalesRulesSet,
    StoreConnected,
    SyncRequested,
    SyncWindowOpened,
)
from eventstore.facts.upcasts import UPCASTS

REPORT_KINDS: Mapping[str, ReportKind] = {
    kind.name: kind
    for kind in (ORDER, TRANSACTION, FULFILLMENT, REFUND, MEMBER, PAYOUT, TRANSFER, REGISTER_SHIFT, PRODUCT)
}

Report = (
    OrderReport
    | Transaction
    | FulfillmentReport
    | RefundReport
    | MemberReport
    | PayoutReport
    | TransferReport
    | RegisterShiftReport
    | ProductReport
)

Meaning = (
    Report
    | PayloadUnreadable
    | IntegrityIncident
    | StoreConnected
    | OutletMapped
    | ChannelMapped
    | SalesAccountsMapped
    | MappingRemoved
    | SalesRulesSet
    | BooksClosed
    | LiveModeActivated
    | SyncWindowOpened
    | SyncRequested
    | CommandAccepted
    | CommandRefused
    | CommandPostponed
    | CommandUnanswered
    | CommandConfirmedAbsent
    | MasterDataFound
    | CommandParked
    | CommandReleased
    | StreamRetried
    | StreamFactSkipped
    | RecordRetried
    | RecordSkipped
    | StorePaused
    | StoreResumed
    | ProductsImportRequested
    | DocumentFoundMissing
    | DocumentFoundTwice
    | DocumentFoundAltered
    | DocumentFoundUnknown
    | InvoiceFoundPaidDifferently
    | CreditFoundUsedDifferently
    | DifferenceResolved
    | DifferenceAccepted
    | RangeReconciled
    | SendingFrozen
    | DuplicateDeletionRequested
    | DocumentResendRequested
)

_OWN_FACTS: tuple[type[msgspec.Struct], ...] = (
    PayloadUnreadable,
    IntegrityIncident,
    StoreConnected,
    OutletMapped,
    ChannelMapped,
    SalesAccountsMapped,
    MappingRemoved,
    SalesRulesSet,
    BooksClosed,
    LiveModeActivated,
    SyncWindowOpened,
    SyncRequested,
    CommandAccepted,
    CommandRefused,
    CommandPostponed,
    CommandUnanswered,
    CommandConfirmedAbsent,
    MasterDataFound,
    CommandParked,
    CommandReleased,
    StreamRetried,
    StreamFactSkipped,
    RecordRetried,
    RecordSkipped,
    StorePaused,
    StoreResumed,
    ProductsImportRequested,
    DocumentFoundMissing,
    DocumentFoundTwice,
    DocumentFoundAltered,
    DocumentFoundUnknown,
    InvoiceFoundPaidDifferently,
    CreditFoundUsedDifferently,
    DifferenceAccepted,
    DifferenceResolved,
    RangeReconciled,
    SendingFrozen,
    DuplicateDeletionRequested,
    DocumentResendRequested,
)

# The version our own facts are written in, where it is not the first.
_VERSIONS: Mapping[str, int] = {StoreConnected.__name__: 2}

# The version every type is written in today. An older version is read through its upcasts.
CURRENT: Mapping[str, tuple[int, type[msgspec.Struct]]] = {
    **{struct.__name__: (_VERSIONS.get(struct.__name__, 1), struct) for struct in _OWN_FACTS},
    **{kind.fact_type: (kind.schema_version, kind.struct) for kind in REPORT_KINDS.values()},
}


_DECODERS: Mapping[str, msgspec.json.Decoder[Any]] = {
    name: msgspec.json.Decoder(struct, strict=False) for name, (_, struct) in CURRENT.items()
}
_ENCODER = msgspec.json.Encoder(order="deterministic", decimal_format="string")


def read_report(kind: ReportKind, body: bytes) -> msgspec.Struct:
    """Read a clear or tokenised report. Raises `msgspec.ValidationError` or `msgspec.DecodeError`."""
    report = _DECODERS[kind.fact_type].decode(body)
    assert isinstance(report, msgspec.Struct)
    return report


def decode(fact: Fact) -> Meaning:
    """Return what a stored fact says. Raises `UnknownFactType` for a type or version this release cannot read."""
    return reader_of(fact.type, fact.schema_version)(fact.body)


@cache
def reader_of(type_: str, schema_version: int) -> Callable[[bytes], Meaning]:
    """Return what reads bodies of this type and version. Raises `UnknownFactType`, and then remembers nothing."""
    current = CURRENT.get(type_)
    if current is None or schema_version > current[0]:
        raise UnknownFactType(type_, schema_version)
    read: Callable[[bytes], Meaning] = _DECODERS[type_].decode
    for version in reversed(range(schema_version, current[0])):
        read = _upcasted(read, _upcast(type_, version))
    return read


def _upcasted(read: Callable[[bytes], Meaning], upcast: Callable[[bytes], bytes]) -> Callable[[bytes], Meaning]:
    return lambda body: read(upcast(body))


def encode(meaning: msgspec.Struct) -> tuple[str, int, bytes]:
    """Return type, schema version and body of a fact of our own (never of a report: those keep their exact bytes)."""
    name = type(meaning).__name__
    version, struct = CURRENT[name]
    assert isinstance(meaning, struct)
    return name, version, _ENCODER.encode(meaning)


def _upcast(type_: str, version: int) -> Callable[[bytes], bytes]:
    upcast = UPCASTS.get((type_, version))
    if upcast is None:
        raise UnknownFactType(type_, version)
    return upcast
