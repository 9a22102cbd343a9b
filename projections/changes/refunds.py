"""What iSeller told of an order's refunds: reports of them, and transactions of type `refund` or `void`."""

from datetime import datetime

import msgspec

from eventstore.event import Fact
from eventstore.facts.reports.orders import Transaction
from eventstore.facts.reports.refunds import RefundReport


class TakenBack(msgspec.Struct, frozen=True, kw_only=True):
    """What was given back, as it was told: reports each once, successful transactions by their id."""

    reports: tuple[RefundReport, ...] = ()
    transactions: dict[str, Transaction] = {}


def refund_told(known: TakenBack, report: RefundReport, fact: Fact) -> TakenBack:  # noqa: ARG001 - which fact told it
    """Take in one refund, told by a report of its own or within its order."""
    if report in known.reports:
        return known
    return msgspec.structs.replace(known, reports=(*known.reports, report))


def return_transaction_told(
    known: TakenBack,
    transaction: Transaction,
    at: datetime | None,  # noqa: ARG001 - when it happened, UTC
) -> TakenBack:
    """Take in one successful transaction of type `refund` or `void`; `at`: when it happened, UTC, if it was told."""
    assert transaction.transaction_id is not None
    if transaction.transaction_id in known.transactions:
        return known
    return msgspec.structs.replace(known, transactions={**known.transactions, transaction.transaction_id: transaction})
