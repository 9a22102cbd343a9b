"""Which reports are read, and whose a value is."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventstore.facts.registry import REPORT_KINDS
from eventstore.personal import UnreadableBody
from service.iseller.sealing import person_of
from service.iseller.strict_read import (
    ID_CHARACTERS_MAX,
    NESTING_LEVELS_MAX,
    PERSONAL_VALUES_MAX,
    is_thin,
    read_strictly,
)

ORDER = REPORT_KINDS["order"]


@pytest.mark.parametrize(
    ("body", "thin"),
    [
        (b'{"order_id":"1"}', True),
        (b'{"order_id":"1","order_details":[],"total_amount":0,"transactions":[]}', False),
        (b'{"order_id":"1","order_details":[],"total_amount":0}', True),
        (b'{"order_id":"1","order_details":[],"transactions":[]}', True),
        (b'{"order_id":"1","total_amount":"0","transactions":[]}', True),
    ],
)
def test_an_order_without_lines_totals_or_transactions_is_thin(body: bytes, thin: bool) -> None:
    """An empty list is said, an absent one is not."""
    assert is_thin(read_strictly(ORDER, body).report) is thin


@pytest.mark.parametrize(
    ("path", "owner"),
    [
        ("customer_first_name", "customer_id"),
        ("billing", "customer_id"),
        ("shipping", "customer_id"),
        ("server_last_name", "server_id"),
        ("cashier_first_name", "cashier_id"),
        ("notes", None),
        ("order_details.notes", None),
    ],
)
def test_a_value_belongs_to_the_person_its_path_names(path: str, owner: str | None) -> None:
    """Everything else belongs to the order itself."""
    assert person_of(ORDER, path) == owner


def test_a_key_cannot_pass_for_a_declared_path() -> None:
    """A dot inside a key is no path: the value under "order_details.sku" is sealed."""
    body = b'{"order_id":"1","order_details.sku":"Sari","":{"outlet_name":"Sari"}}'
    assert [body[span.start : span.end] for span in read_strictly(ORDER, body).personal] == [
        b'"Sari"',
        b'{"outlet_name":"Sari"}',
    ]


def test_nesting_has_a_limit() -> None:
    """A body at the limit is read, one level more is refused."""
    deepest = NESTING_LEVELS_MAX - 1
    assert read_strictly(ORDER, b'{"order_id":"1","x":' + b"[" * deepest + b"]" * deepest + b"}").object_id == "1"
    with pytest.raises(UnreadableBody, match="nested"):
        read_strictly(ORDER, b'{"order_id":"1","x":' + b"[" * (deepest + 1) + b"]" * (deepest + 1) + b"}")


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("order", "transactions.transaction_id"),
        ("order", "transactions.gateway"),
        ("order", "transactions.status"),
        ("order", "transactions.payment_type_name"),
        ("order", "order_details.sku"),
        ("order", "customer_id"),
        ("order", "external_customer_id"),
        ("order", "outlet_id"),
        ("order", "outlet_name"),
        ("order", "order_reference"),
        ("transfer", "transfer_number"),
        ("transfer", "destination_outlet_name"),
        ("transfer", "inventory_adjustments.inventory_adjustment_id"),
        ("transfer", "inventory_adjustments.items.sku"),
        ("refund", "units_returned.sku"),
        ("payout", "status"),
        ("payout", "outlet_id"),
        ("register_shift", "register_id"),
    ],
)
def test_what_a_fold_makes_a_key_of_has_a_limit(kind: str, path: str) -> None:
    """A value at the limit is read; a longer one is refused at its field and not repeated in the reason."""
    name, *outer = reversed(path.split("."))
    report = REPORT_KINDS[kind]

    def body(characters: int) -> bytes:
        value: object = {name: "x" * characters}
        for key in outer:
            value = {key: [value]}
        assert isinstance(value, dict)
        return msgspec.json.encode({report.id_field: "1", **value})

    read_strictly(report, body(ID_CHARACTERS_MAX))
    with pytest.raises(UnreadableBody) as refused:
        read_strictly(report, body(ID_CHARACTERS_MAX + 1))
    assert (refused.value.field, refused.value.reason) == (path, "this id is longer than 200 characters")


def test_an_undeclared_id_has_a_limit_and_no_name() -> None:
    """At any depth, also in a list; the reason points at the nearest declared place."""
    body = b'{"order_id":"1","order_details":[{"Sari_id":["%s"]}]}' % (b"x" * (ID_CHARACTERS_MAX + 1))
    with pytest.raises(UnreadableBody) as refused:
        read_strictly(ORDER, body)
    assert refused.value.field == "order_details"


def test_other_texts_may_be_long() -> None:
    """A note is no key."""
    assert read_strictly(ORDER, b'{"order_id":"1","notes":"%s"}' % (b"x" * 9_000)).object_id == "1"


def test_the_values_to_seal_have_a_limit() -> None:
    """A body at the limit is read, one value more is refused; an undeclared object counts as one."""

    def body(count: int) -> bytes:
        return b'{"order_id":"1","order_details":[' + b",".join([b'{"notes":"a"}'] * count) + b"]}"

    assert len(read_strictly(ORDER, body(PERSONAL_VALUES_MAX)).personal) == PERSONAL_VALUES_MAX
    with pytest.raises(UnreadableBody, match="values are personal"):
        read_strictly(ORDER, body(PERSONAL_VALUES_MAX + 1))


@given(
    st.binary(max_size=200)
    | st.text(alphabet='{}[]":,\\0123456789.eE-+truefalsn order_id', max_size=60).map(str.encode)
)
def test_any_bytes_are_read_or_refused_with_a_reason(body: bytes) -> None:
    """Nothing else is ever raised: a signed body may hold anything."""
    try:
        read = read_strictly(ORDER, body)
    except UnreadableBody:
        return
    assert read.object_id


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (b"1000000000000001", "the number is beyond \u00b110^15"),
        (b"-1e16", "the number is beyond \u00b110^15"),
        (b"0.1E+17", "the number is beyond \u00b110^15"),
        (b"1.%b" % (b"1" * 31), "the number has more than 30 decimal places"),
        (b"1e-31", "the number has more than 30 decimal places"),
    ],
)
@pytest.mark.parametrize("place", ["total_amount", "order_details.base_price", "billing.weight"])
def test_a_number_has_a_limit_wherever_it_stands(number: bytes, reason: str, place: str) -> None:
    """Declared or not, at the top or below, beside strings or alone."""
    outer, _, inner = place.rpartition(".")
    value = b'"%b":%b' % (inner.encode(), number)
    if outer == "order_details":
        value = b'"order_details":[{"sku":"A",%b}]' % value
    elif outer:
        value = b'"billing":{%b}' % value
    with pytest.raises(UnreadableBody) as refused:
        read_strictly(ORDER, b'{"order_id":"1",%b}' % value)
    assert refused.value.reason == reason
    assert refused.value.field == ("body" if outer == "billing" else place)


@pytest.mark.parametrize("number", [b"1000000000000000", b"-1e15", b"0.%b" % (b"1" * 30), b"15E-1"])
def test_a_number_at_its_limit_is_read(number: bytes) -> None:
    """An exponent alone is no fault."""
    assert read_strictly(ORDER, b'{"order_id":"1","total_amount":%b}' % number).object_id == "1"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b'{"order_id":"1","total_amount":"NaN"}', "total_amount"),
        (b'{"order_id":"1","order_details":[{"base_price":1},{"base_price":"1e99"}]}', "order_details.base_price"),
        (
            b'{"order_id":"1","order_details":[{"promotions":[{"promotion_amount":"-Infinity"}]}]}',
            "order_details.promotions.promotion_amount",
        ),
    ],
)
def test_an_amount_told_as_text_has_the_same_limits(body: bytes, field: str) -> None:
    """As text even NaN would be taken for a decimal."""
    with pytest.raises(UnreadableBody) as refused:
        read_strictly(ORDER, body)
    assert (refused.value.field, refused.value.reason) == (field, "the number is beyond \u00b110^15")


def test_many_objects_beside_each_other_are_not_nested() -> None:
    """What counts is how deep they stand, not how many there are."""
    lines = b",".join([b'{"sku":"A","promotions":[{"promotion_id":"p"}]}'] * 50)
    assert read_strictly(ORDER, b'{"order_id":"1","order_details":[%b]}' % lines).personal == []
