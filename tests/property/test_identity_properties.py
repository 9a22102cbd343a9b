"""Identities of commands, for any ids iSeller may think of."""

import re
from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from projections.jurnal_commands.commands import (
    AdjustStock,
    Command,
    CreateCustomer,
    DepositPayout,
    ReceivePayment,
    TransferStock,
    WithdrawPayoutFee,
)
from projections.jurnal_commands.identity import command_id, customer_command_id, invoice_command_id, transaction_no

STORES = st.from_regex(r"[a-z0-9][a-z0-9-]{0,39}", fullmatch=True)
IDS = st.one_of(st.text(min_size=1, max_size=200), st.uuids().map(str), st.from_regex(r"[A-Za-z0-9._-]{1,60}"))
SHAPE = re.compile(r"[a-z]{3}-[A-Za-z0-9._-]{1,96}")
DAY = date(2026, 11, 20)


def commands(object_id: str) -> list[Command]:
    """Return a command of each kind about the object with this id."""
    ten = Decimal(10)
    return [
        CreateCustomer(customer_id=object_id, code="C", position=1),
        ReceivePayment(
            order_id="o", order_reference="r", transaction_id=object_id, transaction_date=DAY, invoice_no="I",
            amount=ten, account="Cash", payment_method="cash",
        ),
        TransferStock(
            transfer_id="t", transfer_number="T", adjustment_id=object_id, transaction_date=DAY, from_warehouse="a",
            to_warehouse="b", lines=(),
        ),
        TransferStock(
            transfer_id="t", transfer_number="T", adjustment_id=object_id, transaction_date=DAY, from_warehouse="a",
            to_warehouse="b", lines=(), is_return=True,
        ),
        AdjustStock(
            transfer_id="t", transfer_number="T", adjustment_id=object_id, transaction_date=DAY, warehouse="a",
            account="l", lines=(),
        ),
        DepositPayout(
            reference_id=object_id, transaction_date=DAY, account="a", clearing_account="c", contact="w", amount=ten
        ),
        WithdrawPayoutFee(
            reference_id=object_id, transaction_date=DAY, clearing_account="c", fee_account="f", contact="w", amount=ten
        ),
    ]  # fmt: skip


@given(store=STORES, object_id=IDS)
def test_an_identity_is_letters_then_allowed_characters_and_at_most_100(store: str, object_id: str) -> None:
    """Jurnal's look-up breaks on `#` and `/` and takes a bare number for its own id."""
    identities = [command_id(store, command) for command in commands(object_id)]
    identities.append(invoice_command_id(store, object_id))
    for identity in identities:
        assert SHAPE.fullmatch(identity), identity
    assert len(set(identities)) == len(identities)


@given(one=st.tuples(STORES, IDS), other=st.tuples(STORES, IDS))
def test_distinct_objects_have_distinct_identities_and_equal_ones_the_same(
    one: tuple[str, str], other: tuple[str, str]
) -> None:
    """Also across stores, which may share one Jurnal company."""
    assert (customer_command_id(*one) == customer_command_id(*other)) == (one == other)


def test_a_hyphen_in_store_or_id_never_makes_two_objects_one() -> None:
    """`a-b` + `c` and `a` + `b-c` are two objects."""
    assert customer_command_id("a-b", "c") != customer_command_id("a", "b-c")


@given(store=STORES, object_id=IDS, reference=st.text(max_size=120))
def test_a_document_number_is_short_and_safe_and_differs_by_identity(
    store: str, object_id: str, reference: str
) -> None:
    """People read iSeller's reference in it; two orders with one reference still have two numbers."""
    number = transaction_no(invoice_command_id(store, object_id), reference)
    assert re.fullmatch(r"INV-[A-Za-z0-9._-]{0,40}-[0-9a-f]{8}", number), number
    assert number != transaction_no(invoice_command_id(store, object_id + "'"), reference)
    assert number == transaction_no(invoice_command_id(store, object_id), reference)
