"""Payouts: iSeller Pay money on its way to the merchant's bank.

The webhook's body is undocumented; names follow the columns of iSeller's payout report.
"""

from decimal import Decimal

import msgspec

from eventstore.facts.reports.kind import ReportKind
from eventstore.personal import ClearPaths

# iSeller's words are known from translated screens only; each column is one meaning, whoever tells it.
COMPLETED = frozenset({"completed", "complete", "completion", "success", "successful"})
FAILED = frozenset({"failed", "failure", "error"})


class PayoutReport(msgspec.Struct, frozen=True, kw_only=True):
    """A payout. `total_deposit` = `transactions_amount` - `total_fees`, IDR; `date` UTC."""

    reference_id: str
    date: str | None = None
    status: str | None = None
    transactions_amount: Decimal | None = None
    total_fees: Decimal | None = None
    total_deposit: Decimal | None = None
    currency: str | None = None
    outlet_id: str | None = None


PAYOUT = ReportKind(
    name="payout",
    fact_type="PayoutReported",
    schema_version=1,
    struct=PayoutReport,
    id_field="reference_id",
    stream_prefix="payout-",
    clear=ClearPaths(
        "reference_id", "date", "status", "transactions_amount", "total_fees", "total_deposit", "currency", "outlet_id"
    ),
    identity_fields=("reference_id", "status"),
    immutable_fields=("transactions_amount", "total_fees", "total_deposit", "currency"),
    identity_spellings={"status": {**dict.fromkeys(COMPLETED, "completed"), **dict.fromkeys(FAILED, "failed")}},
)
