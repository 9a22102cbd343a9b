"""Judges one payout: a deposit of exactly what reaches the bank and a withdrawal of the fees, or why it has to wait.

Judging is repeatable: what is booked stays booked, everything else is judged afresh on the settings of the moment.
"""

from collections.abc import Sequence
from datetime import date

import msgspec

from eventstore.event import Fact
from projections.changes.payouts import Completion, PayoutState
from projections.changes.settings import StoreSettings
from projections.changes.times import local_date
from projections.changes.verdict import Verdict
from projections.changes.waiting import SETTINGS_NEED, outlet_need
from projections.jurnal_commands.commands import DepositPayout, WithdrawPayoutFee
from projections.jurnal_commands.decision import Decision, Noted, Planned, SyncRecord
from projections.jurnal_commands.identity import command_id

BEFORE_LIVE_MODE = Verdict("skipped", "Before Live Mode")
_BY_HAND = "Compare it with iSeller's payout report, enter it in Jurnal by hand, then skip this record"


def payout_record_id(reference_id: str) -> str:
    """Return the payout's line in the Accounting Sync list."""
    return f"payout-{reference_id}"


def judge_payout(state: PayoutState, settings: StoreSettings, fact: Fact) -> tuple[PayoutState, Sequence[Decision]]:
    """Judge a payout that is not booked yet; return the state with the verdict, and what is new of it."""
    if state.booked:
        return state, ()
    record = _record(state, settings)
    judged = _judged(state, settings)
    if isinstance(judged, Verdict):
        if judged == state.verdict:
            return state, ()
        noted = Noted(record=record, state=judged.state, reason=judged.reason, what_to_do=judged.what_to_do)
        return msgspec.structs.replace(state, verdict=judged), (noted,)
    completion, booked_on = judged
    record = msgspec.structs.replace(record, business_date=booked_on)
    planned = [
        Planned(command_id=command_id(fact.store_id, command), command=command, lane=state.stream_id, record=record)
        for command in _commands(state, settings, completion, booked_on)
    ]
    return msgspec.structs.replace(state, verdict=None, booked=True), planned


def _record(state: PayoutState, settings: StoreSettings) -> SyncRecord:
    record = SyncRecord(
        record_id=payout_record_id(state.reference_id),
        kind="payout",
        reference=state.reference_id,
    )
    completion = state.completion
    if completion is None or settings.connection is None:
        return record
    outlet = settings.outlets.get(completion.outlet_id or "")
    return msgspec.structs.replace(
        record,
        outlet=outlet.outlet_name if outlet is not None else None,
        business_date=local_date(completion.at, settings.time_zone(completion.outlet_id)),
        amount=completion.deposit,
    )


def _judged(state: PayoutState, settings: StoreSettings) -> Verdict | tuple[Completion, date]:
    """Return what was completed and the date it is booked on, or why it is not booked."""
    if state.seen_to:
        return Verdict("skipped", state.seen_to)
    if settings.connection is None or not settings.is_live(state.told_at):
        return BEFORE_LIVE_MODE
    if state.failed:
        return Verdict("skipped", "The payout failed: no money moved")
    if not state.completed:
        return Verdict("held", f"The payout is {state.status or 'announced'}; it is booked when it is completed")
    completion = state.completion
    if completion is None:
        return Verdict(
            "failed",
            "The completed payout lacks its date or amounts",
            "Import iSeller's payout report: jurnalsync payouts import FILE",
        )
    return _unsound(completion) or _unmapped(completion, settings) or _dated(completion, settings)


def _unsound(payout: Completion) -> Verdict | None:
    if payout.deposit + payout.fees != payout.transactions_amount:
        return Verdict(
            "failed",
            f"Deposit Rp {payout.deposit:f} and fees Rp {payout.fees:f} are not the "
            f"transactions' Rp {payout.transactions_amount:f}",
            _BY_HAND,
        )
    if payout.deposit < 0 or payout.fees < 0:
        # Refunds and fees beyond the payments: how iSeller collects what is missing is documented nowhere.
        return Verdict(
            "failed",
            f"The payout has a negative deposit or fee: deposit Rp {payout.deposit:f}, fees Rp {payout.fees:f}, "
            f"transactions less refunds Rp {payout.transactions_amount:f}",
            _BY_HAND,
        )
    if payout.deposit == 0 and payout.fees == 0:
        return Verdict("skipped", "The payout moved no money")
    return None


def _unmapped(payout: Completion, settings: StoreSettings) -> Verdict | None:
    if payout.outlet_id is None or payout.outlet_id in settings.outlets:
        return None
    return Verdict(
        "failed",
        f"The payout's outlet is not mapped: {payout.outlet_id}",
        "Map the outlet; the payout is then booked by itself",
        (outlet_need(payout.outlet_id),),
    )


def _dated(payout: Completion, settings: StoreSettings) -> Verdict | tuple[Completion, date]:
    day = local_date(payout.at, settings.time_zone(payout.outlet_id))
    first_open = settings.first_open_day()
    if first_open is None or day >= first_open:
        return payout, day
    if settings.rules.closed_period == "first_open_day":
        return payout, first_open
    return Verdict(
        "failed",
        f"The payout is of {day}, and Jurnal takes nothing before {first_open}",
        "Open the period in Jurnal, or set closed_period to first_open_day; the payout is then booked by itself",
        (SETTINGS_NEED,),
    )


def _commands(
    state: PayoutState, settings: StoreSettings, payout: Completion, booked_on: date
) -> list[DepositPayout | WithdrawPayoutFee]:
    connection, outlet = settings.connection, settings.outlets.get(payout.outlet_id or "")
    assert connection is not None
    commands: list[DepositPayout | WithdrawPayoutFee] = []
    if payout.deposit > 0:
        commands.append(
            DepositPayout(
                reference_id=state.reference_id,
                transaction_date=booked_on,
                account=(outlet and outlet.payout_account) or connection.payout_account,
                clearing_account=connection.clearing_account,
                contact=connection.walk_in_contact,
                amount=payout.deposit,
            )
        )
    if payout.fees > 0:
        commands.append(
            WithdrawPayoutFee(
                reference_id=state.reference_id,
                transaction_date=booked_on,
                clearing_account=connection.clearing_account,
                fee_account=(outlet and outlet.mdr_account) or connection.mdr_account,
                contact=connection.walk_in_contact,
                amount=payout.fees,
            )
        )
    return commands
