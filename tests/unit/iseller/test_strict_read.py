"""Which reports are read, and whose a value is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eventstore.facts.registry import REPORT_KINDS
from eventstore.personal import UnreadableBody
from service.iseller.sealing import person_of
from service.iseller.strict_read import NESTING_LEVELS_MAX, is_thin, read_strictly

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
