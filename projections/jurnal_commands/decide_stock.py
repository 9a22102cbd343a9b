"""Judges goods of suppliers, counts and adjustments: each is one stock adjustment of an outlet's warehouse.

Purchases themselves are not booked here, so goods of a supplier stand across from the mapped "goods received" account:
coming in at the price they were bought for, going back at Jurnal's average, the only worth a stock-out has there.
"""

import msgspec

from projections.changes.transfers import Goods
from projections.changes.verdict import Verdict
from projections.changes.waiting import outlet_need
from projections.jurnal_commands.commands import AdjustStock, StockChange
from projections.jurnal_commands.stock_action import (
    Judged,
    Judging,
    StockAccount,
    account_verdict,
    day_of,
    outlet_of,
    planned,
    waits_to_go,
)


def judge_supplier(judging: Judging) -> Judged | None:
    """Judge one action of a transfer from or to a supplier; None for one that moves no stock of ours.

    Goods come in when they are accepted and leave when they are sent. What was cancelled never came in.
    """
    state, action = judging.state, judging.action
    comes_in = state.route == "from_supplier"
    if comes_in == (action.kind == "start"):
        return None
    if state.return_of:
        return Verdict("skipped", f"Sends back what was cancelled of {state.return_of} and never came in")
    return _received(judging) if comes_in else _sent_back(judging)


def _sent_back(judging: Judging) -> Judged:
    changes = [StockChange(goods.sku, -goods.quantity) for goods in judging.goods if goods.quantity]
    return _adjusted(judging, "goods_received_account", changes)


def _received(judging: Judging) -> Judged:
    action = judging.action
    if any(goods.cancelled for goods in judging.goods) and not action.paired:
        return Verdict("held", "Waits for the outlet of the transfer to be told")
    came_in = [_priced(judging, goods) for goods in judging.goods if goods.quantity]
    unpriced = next((goods.sku for goods in came_in if goods.price is None), None)
    if unpriced is not None:
        return Verdict(
            "failed",
            f"iSeller tells no purchase price of {unpriced}",
            "Enter the purchase price in iSeller; the record is judged again when iSeller reports it again",
        )
    changes = [StockChange(goods.sku, goods.quantity, goods.price) for goods in came_in]
    if action.returned_by:
        # Their return was booked like any other and took them out at the average: so they first come in at it.
        changes += [StockChange(goods.sku, goods.cancelled) for goods in judging.goods if goods.cancelled]
    return _adjusted(judging, "goods_received_account", changes)


def judge_correction(judging: Judging) -> Judged:
    """Judge a count or an adjustment: the difference, dated when it was found, whatever was sold since."""
    changes = [StockChange(goods.sku, goods.quantity) for goods in judging.goods if goods.quantity]
    return _adjusted(judging, "stock_adjustment_account", changes)


def _priced(judging: Judging, goods: Goods) -> Goods:
    """Return the goods with the price of the delivery's start where its receipt tells none."""
    if goods.price is not None:
        return goods
    known = (
        sent.price
        for action in judging.state.in_order()
        if action.kind == "start"
        for sent in action.goods
        if sent.sku == goods.sku
    )
    return msgspec.structs.replace(goods, price=next(known, None))


def _adjusted(judging: Judging, setting: StockAccount, changes: list[StockChange]) -> Judged:
    settings = judging.settings
    connection = settings.connection
    if connection is None or not settings.is_live(judging.action.told_at):
        return Verdict("skipped", "Before Live Mode")
    outlet_id, outlet_name = outlet_of(judging.state, judging.action)
    outlet = settings.outlets.get(outlet_id)
    if outlet is None:
        name = outlet_name or outlet_id or "without a name"
        return Verdict(
            "skipped", f"Outlet {name} is not mapped", f"Map {name} to a Jurnal warehouse", (outlet_need(outlet_id),)
        )
    if not changes:
        return Verdict("skipped", "It changes no stock")
    if unmapped := account_verdict(judging, setting):
        return unmapped
    if held := waits_to_go(judging):
        return held
    account = getattr(connection, setting)
    assert isinstance(account, str)
    adjustment = AdjustStock(
        transfer_id=judging.state.transfer_id,
        transfer_number=judging.state.number,
        adjustment_id=judging.action.action_id,
        transaction_date=day_of(judging),
        warehouse=outlet.warehouse,
        account=account,
        lines=tuple(changes),
    )
    return [planned(judging, adjustment)]
