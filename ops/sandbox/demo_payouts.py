"""iSeller's payout report as a merchant downloads it, for payouts whose webhook never came."""

import csv
import io
from collections.abc import Iterable

from ops.sandbox.scenario import Scenario
from ops.sandbox.traffic_events import Payout

_COLUMNS = ("Reference ID", "Date", "Status", "Transactions Amount", "Total Fees", "Total Deposit")


def payout_report(scenario: Scenario, payouts: Iterable[Payout]) -> str:
    """Return the CSV: dates on the store's clock, whole rupiah."""
    written = io.StringIO()
    rows = csv.writer(written, lineterminator="\n")
    rows.writerow(_COLUMNS)
    for payout in payouts:
        at = payout.at.astimezone(scenario.time_zone)
        amounts = (payout.transactions_amount_idr, payout.fees_idr, payout.deposit_idr)
        rows.writerow(
            [payout.reference_id, f"{at:%Y-%m-%d %H:%M:%S}", "Completed", *(f"{amount:f}" for amount in amounts)]
        )
    return written.getvalue()
