"""What an outlet says for itself comes before the store's word: accounts of money, accounts of payouts, the day."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from eventstore.facts.settings import PaymentMapping
from projections.jurnal_commands.commands import DepositPayout, WithdrawPayoutFee
from tests.story import CONNECTION, MAIN, Story, paid
from tests.unit.projections.shop_settings import TOKOPEDIA, invoices, told
from tests.unit.projections.taken_back import CASH, LATTES, RULES, given_back, polled, refund
from tests.unit.projections.test_payouts import payout
from tests.unit.projections.transfer_reports import START, act, correction, decided, delivery, receipt, sent, transfer

# 22:30 in Jakarta, half past midnight of the next day in Jayapura.
LATE = "2026-11-20T15:30:00"
OVO = {"gateway": "custom", "payment_type_name": "OVO"}
STORES = (PaymentMapping("custom", "Other Money"), PaymentMapping("custom", "OVO Balance", "OVO"))
OUTLETS = (PaymentMapping("custom", "Main Money"),)
OUTLETS_OVO = (PaymentMapping("custom", "Main OVO", "OVO"), *OUTLETS)


@pytest.mark.parametrize(
    ("stores", "outlets", "way", "channel", "account"),
    [
        (STORES, (), {"gateway": "custom"}, {}, "Other Money"),
        (STORES, (), {"gateway": "custom", "payment_type_name": "Dana"}, {}, "Other Money"),
        (STORES, (), OVO, {}, "OVO Balance"),
        (STORES, OUTLETS, {"gateway": "custom"}, {}, "Main Money"),
        (STORES, OUTLETS, {"gateway": "custom", "payment_type_name": "Dana"}, {}, "Main Money"),
        (STORES, OUTLETS, OVO, {}, "OVO Balance"),
        (STORES, OUTLETS_OVO, OVO, {}, "Main OVO"),
        ((), OUTLETS, OVO, {}, "Main Money"),
        (STORES, OUTLETS, {"gateway": "cash"}, {}, "Cash"),
        (STORES, OUTLETS, {"gateway": "custom"}, {"channel": "marketplace"}, "Main Money"),
        (
            STORES,
            OUTLETS,
            {"gateway": "custom"},
            {"channel": "marketplace", "channel_detail": "Tokopedia"},
            "Tokopedia Clearing",
        ),
    ],
    ids=[
        "the store's for the gateway",
        "the gateway's is the default of its types",
        "the store's for the type",
        "the outlet's for the gateway",
        "the outlet's default for a type",
        "a type before a gateway, whoever says it",
        "the outlet's for the type",
        "only the outlet says it",
        "the outlet says nothing of it",
        "a channel that is not mapped is its outlet's",
        "the channel's own",
    ],
)
def test_the_most_exact_account_takes_the_money(
    stores: tuple[PaymentMapping, ...],
    outlets: tuple[PaymentMapping, ...],
    way: dict[str, str],
    channel: dict[str, str],
    account: str,
) -> None:
    """A type before its gateway, a place before the store, a channel before its outlet."""
    story = Story(connection=msgspec.structs.replace(CONNECTION, payments=(*CONNECTION.payments, *stores)))
    told(story, msgspec.structs.replace(MAIN, payments=outlets))
    told(story, msgspec.structs.replace(TOKOPEDIA, time_zone="Asia/Jakarta"))
    story.order(order_details=LATTES, transactions=[paid("t1", 20_000, **way)], **channel)
    (invoice,) = invoices(story)
    assert (int(invoice.deposit), invoice.deposit_account) == (20_000, account)


@pytest.mark.parametrize(
    ("own", "accounts"),
    [
        ({}, ("Bank BCA", "iSeller Pay MDR")),
        ({"payout_account": "Bank Main"}, ("Bank Main", "iSeller Pay MDR")),
        ({"mdr_account": "Main Fees"}, ("Bank BCA", "Main Fees")),
        ({"payout_account": "Bank Main", "mdr_account": "Main Fees"}, ("Bank Main", "Main Fees")),
    ],
    ids=["neither", "its bank", "its fees", "both"],
)
def test_a_payout_reaches_the_bank_of_its_outlet(own: dict[str, str], accounts: tuple[str, str]) -> None:
    """What the outlet does not say is the store's; a payout of no outlet is the store's whole."""
    story = Story()
    told(story, msgspec.structs.replace(MAIN, **own))
    story.report("payout", payout(outlet_id="main"))
    assert (story.the(DepositPayout).account, story.the(WithdrawPayoutFee).fee_account) == accounts
    whole = Story()
    told(whole, msgspec.structs.replace(MAIN, **own))
    whole.report("payout", payout())
    assert (whole.the(DepositPayout).account, whole.the(WithdrawPayoutFee).fee_account) == (
        "Bank BCA",
        "iSeller Pay MDR",
    )


def _back(story: Story, **fields: object) -> None:
    story.order(order_details=LATTES, transactions=[CASH])
    polled(story, **fields)


def _late(action: dict[str, Any]) -> dict[str, Any]:
    return {**action, "date": LATE}


# What happens at the main outlet at that moment; the record of it.
AT_THAT_MOMENT: dict[str, tuple[Callable[[Story], None], str]] = {
    "a sale": (lambda story: story.order(order_date=LATE, order_details=LATTES), "sale-order-1"),
    "a payment": (
        lambda story: story.order(
            order_date="2026-11-19T05:00:00",
            order_details=LATTES,
            transactions=[paid("t1", 20_000, transaction_date=LATE)],
        ),
        "payment-order-1-t1",
    ),
    "a refund": (
        lambda story: _back(
            story, transactions=[CASH, given_back(at=LATE)], refunded_orders=[refund(at=LATE)], order_date=LATE
        ),
        "refund-order-1-20261120T153000-10000-370f3142",
    ),
    "a void": (lambda story: _back(story, status="void", cancel_date=LATE), "void-order-1"),
    "a payout": (lambda story: story.report("payout", payout(outlet_id="main", date=LATE)), "payout-PO-1"),
    "a transfer": (lambda story: story.report("transfer", transfer(_late(START))), "transfer-a0"),
    "goods of a supplier": (
        lambda story: story.report("transfer", delivery(_late(receipt("a1", decided("LATTE", 3, buying_price=4_000))))),
        "transfer-a1",
    ),
    "a count": (
        lambda story: story.report("transfer", correction(_late(act("c1", "Adjustment", 20, sent("LATTE", -2))))),
        "transfer-c1",
    ),
}


@pytest.mark.parametrize(("zone", "day"), [(None, "2026-11-20"), ("Asia/Jayapura", "2026-11-21")])
@pytest.mark.parametrize("happening", AT_THAT_MOMENT)
def test_the_day_of_a_record_is_that_of_its_outlets_own_clock(happening: str, zone: str | None, day: str) -> None:
    """The store is in Jakarta; an outlet in Jayapura is two hours ahead of it."""
    tell, record_id = AT_THAT_MOMENT[happening]
    story = Story()
    told(story, RULES)
    told(story, msgspec.structs.replace(MAIN, time_zone=zone))
    tell(story)
    assert str(story.records[record_id].business_date) == day
