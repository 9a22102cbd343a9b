"""The registry: every type the ledger may hold, read as it was written, for ever."""

from pathlib import Path

import msgspec
import pytest

from eventstore.errors import UnknownFactType
from eventstore.event import Fact
from eventstore.facts.registry import CURRENT, REPORT_KINDS, decode, encode
from eventstore.facts.reports.transfers import TransferReport
from eventstore.facts.settings import ByActor, StoreConnected, TransferSync
from eventstore.facts.upcasts import UPCASTS
from eventstore.personal import cut_at_strings, find_personal
from tests.ledger import NOON, STORE

CORPUS = Path(__file__).resolve().parents[2] / "fixtures" / "facts"
STORED = sorted(path for path in CORPUS.glob("*.json") if not path.name.endswith(".read.json"))
REPORTS = {kind.fact_type: kind for kind in REPORT_KINDS.values()}
READ = msgspec.json.Encoder(order="deterministic", decimal_format="string")


def stored(type_: str, version: int, body: bytes) -> Fact:
    """Return a stored fact with this body."""
    return Fact(
        store_id=STORE, position=1, stream_id="s", stream_version=1, type=type_, schema_version=version,
        source_id="x", observed_at=NOON, recorded_at=NOON, body=body, sealed=b"", metadata=b"{}", hash=bytes(32),
    )  # fmt: skip


def test_the_corpus_holds_every_type_and_version_that_was_ever_written() -> None:
    """A type or version without an example cannot be trusted to be readable."""
    written = {
        f"{type_}.{version}.json" for type_, (current, _) in CURRENT.items() for version in range(1, current + 1)
    }
    assert {path.name for path in STORED} == written
    assert set(UPCASTS) == {
        (type_, version) for type_, (current, _) in CURRENT.items() for version in range(1, current)
    }


@pytest.mark.parametrize("path", STORED, ids=lambda path: path.stem)
def test_a_stored_fact_reads_as_it_always_did(path: Path) -> None:
    """Byte for byte: our own facts are written again as they stand, reports read to the recorded meaning."""
    type_, version = path.stem.split(".")
    body = path.read_bytes()
    meaning = decode(stored(type_, int(version), body))
    if type_ in REPORTS:
        assert READ.encode(meaning) == path.with_suffix(".read.json").read_bytes()
        return
    assert encode(meaning) == (
        type_,
        CURRENT[type_][0],
        body if int(version) == CURRENT[type_][0] else READ.encode(meaning),
    )


@pytest.mark.parametrize("type_", REPORTS)
def test_the_example_of_a_report_holds_no_personal_value_in_clear(type_: str) -> None:
    """What the kind's allow-list does not declare clear is a token in the corpus too."""
    body = (CORPUS / f"{type_}.1.json").read_bytes()
    for span in find_personal(cut_at_strings(body), msgspec.json.decode(body), REPORTS[type_].clear):
        assert body[span.start : span.end].startswith(b'"sealed:'), span.path


def test_a_connection_of_the_first_version_sent_transfers_as_they_came_and_had_no_stock_accounts() -> None:
    """What the first version left unsaid keeps its meaning, whatever a later release takes for granted."""
    connected = decode(stored("StoreConnected", 1, (CORPUS / "StoreConnected.1.json").read_bytes()))
    assert isinstance(connected, StoreConnected)
    assert connected.transfer_sync == TransferSync("real_time")
    accounts = (connected.loss_account, connected.goods_received_account, connected.stock_adjustment_account)
    assert accounts == (None, None, None)


@pytest.mark.parametrize(
    "type_", ["StoreConnected", "OutletMapped", "ChannelMapped", "SalesAccountsMapped", "SalesRulesSet"]
)
def test_who_made_a_setting_is_told_from_now_on_and_what_stands_without_a_name_keeps_its_bytes(type_: str) -> None:
    """A new optional field: nobody is read into a setting of an earlier release, and a name is kept beside the rest."""
    version = CURRENT[type_][0]
    body = (CORPUS / f"{type_}.{version}.json").read_bytes()
    unnamed = decode(stored(type_, version, body))
    assert isinstance(unnamed, ByActor)
    assert unnamed.actor is msgspec.UNSET
    name, written, signed = encode(msgspec.structs.replace(unnamed, actor="owner"))
    assert (name, written) == (type_, version)
    assert msgspec.json.decode(signed) == {**msgspec.json.decode(body), "actor": "owner"}
    assert decode(stored(type_, version, signed)) == msgspec.structs.replace(unnamed, actor="owner")


def test_the_day_on_which_a_transfer_was_written_is_read_where_it_is_told() -> None:
    """A field that earlier releases did not look at."""
    told = decode(stored("TransferReported", 1, b'{"transfer_id":"t","created_date":"2026-11-19T18:30:00"}'))
    assert isinstance(told, TransferReport)
    assert told.created_date == "2026-11-19T18:30:00"


def test_unknown_fields_are_ignored_and_both_spellings_of_an_amount_are_read() -> None:
    """A report may bring new fields and write numbers as text; an amount is exact either way."""
    text = decode(stored("PayoutReported", 1, b'{"reference_id":"PO","total_deposit":"0.10","new":{"x":[1]}}'))
    number = decode(stored("PayoutReported", 1, b'{"reference_id":"PO","total_deposit":0.10}'))
    assert text == number
    assert READ.encode(number).count(b'"0.10"') == 1


@pytest.mark.parametrize(("type_", "version"), [("OrderRepainted", 1), ("OrderReported", 2)])
def test_an_unknown_type_or_a_newer_version_is_refused_by_name(type_: str, version: int) -> None:
    """An older release stops at what it cannot read instead of guessing."""
    with pytest.raises(UnknownFactType, match=f"{type_}' version {version}; upgrade"):
        decode(stored(type_, version, b"{}"))
