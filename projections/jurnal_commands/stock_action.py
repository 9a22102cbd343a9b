"""What judging one stock action works on, and the verdicts that all of them share."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Literal

import msgspec

from eventstore.event import Fact
from projections.changes.settings import StoreSettings
from projections.changes.times import local_date
from projections.changes.transfers import Goods, StockAction, TransferState
from projections.changes.verdict import Verdict
from projections.changes.waiting import WINDOW_NEED, account_need
from projections.changes.windows import next_window
from projections.jurnal_commands.commands import AdjustStock, TransferStock
from projections.jurnal_commands.decision import Decision, Noted, Planned, RecordKind, SyncRecord
from projections.jurnal_commands.identity import command_id, return_command_id
from projections.jurnal_commands.order_action import booking_day

StockAccount = Literal["loss_account", "goods_received_account", "stock_adjustment_account"]
Judged = Sequence[Decision] | Verdict

_ACCOUNT_USES: dict[StockAccount, str] = {
    "loss_account": "rejected goods",
    "goods_received_account": "goods of suppliers",
    "stock_adjustment_account": "counts and adjustments",
}


class Judging(msgspec.Struct, frozen=True):
    """One action with its transfer, the settings of the moment and the fact that makes us judge."""

    state: TransferState
    settings: StoreSettings
    fact: Fact
    action: StockAction
    goods: tuple[Goods, ...]

    @property
    def record(self) -> SyncRecord:
        """The action's line in the Accounting Sync list."""
        return record_of(self.state, self.settings, self.action)

    @property
    def day(self) -> date | Verdict:
        """The date of the action's documents, or why there is none."""
        told = self.record.business_date
        assert told is not None
        return booking_day(self.settings, told)

    def noted(self, verdict: Verdict) -> Noted:
        """Return the verdict as a line of the list."""
        return Noted(record=self.record, state=verdict.state, reason=verdict.reason, what_to_do=verdict.what_to_do)


def record_of(state: TransferState, settings: StoreSettings, action: StockAction | None) -> SyncRecord:
    """Return the record of one action; without one, of a transfer that is none of ours."""
    if action is None:
        return SyncRecord(record_id=state.stream_id, kind="transfer_start", reference=state.number)
    outlet_id, outlet_name = outlet_of(state, action)
    zone = settings.time_zone(outlet_id) if settings.connection is not None else "UTC"
    return SyncRecord(
        record_id=f"transfer-{action.action_id}",
        kind=_kind_of(state, action),
        reference=state.number,
        outlet=outlet_name,
        business_date=local_date(action.at, zone),
    )


def outlet_of(state: TransferState, action: StockAction) -> tuple[str, str]:
    """Return id and name of the outlet at which an action happens."""
    at_destination = state.route == "from_supplier" or (state.route == "outlets" and action.kind == "decision")
    if at_destination and state.destination_id:
        return state.destination_id, state.destination_name
    return state.source_id, state.source_name


def _kind_of(state: TransferState, action: StockAction) -> RecordKind:
    if action.kind == "count":
        return "stock_count"
    if action.kind == "adjustment":
        return "stock_adjustment"
    match state.route:
        case "from_supplier":
            return "goods_received"
        case "to_supplier":
            return "goods_returned"
        case _:
            return "transfer_start" if action.kind == "start" else "transfer_receipt"


def planned(judging: Judging, command: TransferStock | AdjustStock) -> Planned:
    """Return a command of one action, in the lane of its transfer.

    What happens to goods that were sent back waits until they are booked as such, in the lane of another transfer.
    """
    store_id, origin = judging.fact.store_id, judging.state.return_of_action
    return Planned(
        command_id=command_id(store_id, command),
        command=command,
        lane=judging.state.stream_id,
        record=judging.record,
        needs=(return_command_id(store_id, origin),) if origin else (),
    )


def account_verdict(judging: Judging, setting: StockAccount) -> Verdict | None:
    """Return why the action waits if this account of the store is not mapped."""
    connection = judging.settings.connection
    assert connection is not None
    if getattr(connection, setting) is not None:
        return None
    return Verdict(
        "failed",
        f"No account is mapped for {_ACCOUNT_USES[setting]}",
        f"Name it as {setting} in the set-up file and apply the file; the record is then booked by itself",
        (account_need(setting),),
    )


def waits_to_go(judging: Judging) -> Verdict | None:
    """Return why the action waits: its date is in a closed period, or transfers go at set times or by hand."""
    return day if isinstance(day := judging.day, Verdict) else _waits_for_window(judging)


def day_of(judging: Judging) -> date:
    """Return the date of the documents of an action that waits for nothing."""
    day = judging.day
    assert isinstance(day, date)
    return day


def _waits_for_window(judging: Judging) -> Verdict | None:
    connection = judging.settings.connection
    assert connection is not None
    sync = connection.transfer_sync
    if sync.mode == "real_time" or judging.action.released:
        return None
    if sync.mode == "manual" or not sync.times:
        return Verdict(
            "held",
            "Transfers of this store are sent by hand",
            "Send a range of dates: jurnalsync sync transfers --from DATE --to DATE",
            (WINDOW_NEED,),
        )
    opens = next_window(sync, connection.time_zone, judging.fact.recorded_at)
    return Verdict("held", f"Waits for the transfer sync of {opens:%Y-%m-%d %H:%M}", None, (WINDOW_NEED,))


def quantity_text(quantity: Decimal) -> str:
    """Write a quantity without exponent or trailing zeros."""
    return f"{quantity.normalize():f}"
