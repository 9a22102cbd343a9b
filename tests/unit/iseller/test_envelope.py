"""Reading iSeller's answers."""

from datetime import UTC, datetime

import pytest

from service.iseller.envelope import IsellerError, read_object, read_page

ASKED_AT = datetime(2026, 11, 20, tzinfo=UTC)


def test_each_object_keeps_its_exact_bytes() -> None:
    """Spaces and number spellings are what was observed; they are not written anew."""
    body = b'{"count":2,"orders":[ {"a": 1.50} ,{"b" :"x"}],"has_next_item":true,"status":true,"time":""}'
    page = read_page(body, "orders", asked_at=ASKED_AT)
    assert page.objects == [b'{"a": 1.50}', b'{"b" :"x"}']
    assert page.has_next


@pytest.mark.parametrize("key", [b"Outlets", b"outlets", b"OUTLETS"])
def test_the_case_of_a_key_does_not_matter(key: bytes) -> None:
    """The live API and the manual differ."""
    assert read_page(b'{"' + key + b'":[{}],"Status":true}', "outlets", asked_at=ASKED_AT).objects == [b"{}"]
    assert read_object(b'{"storeInfo":{"currency":"IDR"}}', "store_info") == {"currency": "IDR"}


@pytest.mark.parametrize(
    ("time", "observed_at"),
    [
        (b'"2026-11-20T02:54:20"', datetime(2026, 11, 20, 2, 54, 20, tzinfo=UTC)),
        (b'"2026-11-20T02:54:20.0476430"', datetime(2026, 11, 20, 2, 54, 20, 47643, tzinfo=UTC)),
        (b'"2026-11-20 02:54:20Z"', datetime(2026, 11, 20, 2, 54, 20, tzinfo=UTC)),
        (b'"soon"', ASKED_AT),
        (b"null", ASKED_AT),
    ],
)
def test_an_answer_was_observed_at_its_own_time(time: bytes, observed_at: datetime) -> None:
    """It is UTC; without one, the moment of the request is the safe side."""
    page = read_page(b'{"orders":[],"status":true,"time":' + time + b"}", "orders", asked_at=ASKED_AT)
    assert page.observed_at == observed_at


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"status":false,"error_message":"time_zone is required"}', "time_zone is required"),
        (b'{"Status":"False","erroe_message":"typo"}', "typo"),
        (b'{"status":false,"orders":[]}', "without a message"),
        (b'{"error_message":"token expired"}', "token expired"),
        (b'{"status":true}', "no orders"),
        (b'{"status":true,"orders":{}}', "no list"),
        (b"<html>", "no JSON"),
        (b"[]", "no JSON"),
    ],
)
def test_an_error_under_http_200_is_an_error(body: bytes, words: str) -> None:
    """`status` false is an error whatever the HTTP status says, with iSeller's own words."""
    with pytest.raises(IsellerError, match=words):
        read_page(body, "orders", asked_at=ASKED_AT)
