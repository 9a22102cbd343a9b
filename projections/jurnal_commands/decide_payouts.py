"""Payouts: a completed one is a deposit of exactly what reaches the bank, and a withdrawal for the fees."""

from typing import assert_never

from eventstore.event import Fact
from projections.changes.payouts import (
    PayoutChange,
    PayoutCompleted,
    PayoutFailed,
    PayoutIncomplete,
    PayoutWaits,
)
from projections.changes.settings import StoreSettings
from projections.changes.times import local_date
from projections.jurnal_commands.commands import DepositPayout, WithdrawPayoutFee
from projections.jurnal_commands.decision import Decision, Noted, Planned, SyncRecord
from projections.jurnal_commands.identity import command_id


def decide_payout(
    settings: StoreSettings, fact: Fact, reference_id: str, changes: list[PayoutChange]
) -> list[Decision]:
    """Return what `changes` of one payout ask of Jurnal."""
    record = SyncRecord(record_id=f"payout-{reference_id}", kind="payout", reference=reference_id)
    decisions: list[Decision] = []
    for change in changes:
        if not settings.is_live(fact.position):
            decisions.append(Noted(record=record, state="skipped", reason="Before Live Mode"))
            continue
        match change:
            case PayoutWaits():
                reason = f"The payout is {change.status or 'announced'}; it is booked when it is completed"
                decisions.append(Noted(record=record, state="held", reason=reason))
            case PayoutFailed():
                decisions.append(Noted(record=record, state="skipped", reason="The payout failed: no money moved"))
            case PayoutIncomplete():
                decisions.append(
                    Noted(
                        record=record,
                        state="failed",
                        reason="The completed payout lacks its date or amounts",
                        what_to_do="Compare it with iSeller's payout report",
                    )
                )
            case PayoutCompleted():
                decisions += _completed(settings, fact, record, change)
            case _:
                assert_never(change)
    return decisions


def _completed(settings: StoreSettings, fact: Fact, record: SyncRecord, payout: PayoutCompleted) -> list[Decision]:
    connection = settings.connection
    assert connection is not None
    record = SyncRecord(
        record_id=record.record_id,
        kind="payout",
        reference=payout.reference_id,
        business_date=local_date(payout.at, settings.time_zone(payout.outlet_id)),
        amount=payout.deposit,
    )
    if payout.deposit < 0 or payout.fees < 0:
        return [
            Noted(
                record=record,
                state="failed",
                reason=f"The payout has a negative deposit (Rp {payout.deposit:f}) or fee (Rp {payout.fees:f})",
                what_to_do="Compare the payout with iSeller's payout report and book it in Jurnal by hand",
            )
        ]
    if payout.deposit == 0 and payout.fees == 0:
        return [Noted(record=record, state="skipped", reason="The payout moved no money")]
    if payout.deposit + payout.fees != payout.transactions_amount:
        return [
            Noted(
                record=record,
                state="failed",
                reason=f"Deposit Rp {payout.deposit:f} and fees Rp {payout.fees:f} are not the "
                f"transactions' Rp {payout.transactions_amount:f}",
                what_to_do="Compare the payout with iSeller's payout report",
            )
        ]
    outlet = settings.outlets.get(payout.outlet_id or "")
    if payout.outlet_id is not None and outlet is None:
        return [
            Noted(
                record=record, state="failed", reason="The payout's outlet is not mapped", what_to_do="Map the outlet"
            )
        ]
    assert record.business_date is not None
    commands: list[DepositPayout | WithdrawPayoutFee] = []
    if payout.deposit > 0:
        commands.append(
            DepositPayout(
                reference_id=payout.reference_id,
                transaction_date=record.business_date,
                account=(outlet and outlet.payout_account) or connection.payout_account,
                clearing_account=connection.clearing_account,
                contact=connection.walk_in_contact,
                amount=payout.deposit,
            )
        )
    if payout.fees > 0:
        commands.append(
            WithdrawPayoutFee(
                reference_id=payout.reference_id,
                transaction_date=record.business_date,
                clearing_account=connection.clearing_account,
                fee_account=(outlet and outlet.mdr_account) or connection.mdr_account,
                contact=connection.walk_in_contact,
                amount=payout.fees,
            )
        )
    return [
        Planned(command_id=command_id(fact.store_id, command), command=command, lane=fact.stream_id, record=record)
        for command in commands
    ]
