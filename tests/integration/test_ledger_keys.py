"""Keys and secrets: made once, bound to their place, gone when erased."""

from pathlib import Path

import msgspec
import pytest
from cryptography.exceptions import InvalidTag

from eventstore.connection import Connection
from eventstore.credentials import Credentials
from eventstore.errors import SealingKeyMissing
from eventstore.event import NewFact
from eventstore.keyring import Keyring, MasterKey
from eventstore.personal import ClearPaths, cut_at_strings, find_personal, persons_in, seal_spans, unseal
from eventstore.store import LedgerReader
from eventstore.verify import Whole, verify_ledger
from tests.ledger import MASTER, NOON, OTHER_STORE, STORE, appender_on, service_pool

BODY = b'{"customer_id": "1", "name": "Sari Contoh"}'
CLEAR = ClearPaths("customer_id")


async def _sealed(keyring: Keyring, number: int) -> NewFact:
    """Seal the name of customer 1, as the way in does."""
    mark = keyring.mark(STORE, "customer:1")
    keys = await keyring.data_keys(STORE, [mark], made_at=NOON)
    spans = find_personal(cut_at_strings(BODY), msgspec.json.decode(BODY), CLEAR)
    body, sealed = seal_spans(BODY, spans, [mark], keys, store_id=STORE)
    return NewFact(
        stream_id="customer-1", type="MemberReported", schema_version=1, source_id=f"m:{number}", observed_at=NOON,
        body=body, sealed=sealed,
    )  # fmt: skip


@pytest.mark.servers
async def test_an_erased_person_cannot_be_read_again_and_the_chain_stays_whole(
    database_url: str, connection: Connection
) -> None:
    """No fact changes and every hash holds; later reports of that person are sealed under keys nobody keeps."""
    async with service_pool(database_url) as pool:
        keyring, appender, reader = Keyring(pool, MASTER), appender_on(pool), LedgerReader(pool)
        await appender.append(STORE, [await _sealed(keyring, 1)])
        (before,) = await reader.read_after(STORE, 0, 1)
        keys = await keyring.known_keys(STORE, persons_in(before.sealed))
        assert unseal(before.body, before.sealed, keys, store_id=STORE) == BODY

        assert await keyring.erase(STORE, "customer:1", erased_at=NOON)
        assert not await keyring.erase(STORE, "customer:1", erased_at=NOON)
        await appender.append(STORE, [await _sealed(keyring, 2), await _sealed(keyring, 3)])
        stored = await reader.read_after(STORE, 0, 3)
        assert stored[0] == before
        for fact in stored:
            keys = await keyring.known_keys(STORE, persons_in(fact.sealed))
            assert keys == {}
            assert unseal(fact.body, fact.sealed, keys, store_id=STORE) == fact.body
        assert b"Sari" not in b"".join(fact.body + fact.sealed for fact in stored)
        assert len({fact.body for fact in stored}) == 3
        assert isinstance(await verify_ledger(reader, STORE), Whole)
    row = await connection.fetchrow("SELECT wrapped_key, erased_at FROM person_key")
    assert row is not None
    assert (row["wrapped_key"], row["erased_at"]) == (None, NOON)


async def test_a_persons_key_is_made_once_by_whoever_asks_first(database_url: str) -> None:
    """Two processes get the same key, so equal values give equal tokens everywhere."""
    async with service_pool(database_url) as pool:
        one, other = Keyring(pool, MASTER), Keyring(pool, MASTER)
        mark = one.mark(STORE, "customer:1")
        assert mark == other.mark(STORE, "customer:1")
        keys = await one.data_keys(STORE, [mark, mark], made_at=NOON)
        assert keys == await other.data_keys(STORE, [mark], made_at=NOON)
        assert keys == await one.known_keys(STORE, [mark])
        assert one.keeps(STORE, mark, keys[mark])


async def test_persons_and_stores_share_neither_marks_nor_keys(database_url: str) -> None:
    """The same id elsewhere is somebody else, and a mark does not tell whose it is."""
    async with service_pool(database_url) as pool:
        keyring = Keyring(pool, MASTER)
        marks = {
            keyring.mark(STORE, "customer:1"),
            keyring.mark(STORE, "customer:2"),
            keyring.mark(OTHER_STORE, "customer:1"),
            Keyring(pool, MasterKey(bytes(32))).mark(STORE, "customer:1"),
        }
        assert len(marks) == 4
        here = await keyring.data_keys(STORE, sorted(marks), made_at=NOON)
        there = await keyring.data_keys(OTHER_STORE, sorted(marks), made_at=NOON)
        assert len({*here.values(), *there.values()}) == 8


async def test_a_data_key_does_not_open_under_another_master_key_or_in_another_row(
    database_url: str, connection: Connection
) -> None:
    """What is wrapped is bound to its store and its person."""
    async with service_pool(database_url) as pool:
        keyring = Keyring(pool, MASTER)
        marks = [keyring.mark(STORE, f"customer:{number}") for number in range(2)]
        await keyring.data_keys(STORE, marks, made_at=NOON)
        with pytest.raises(InvalidTag):
            await Keyring(pool, MasterKey(bytes(32))).known_keys(STORE, marks)
        await connection.execute(
            "UPDATE person_key SET wrapped_key = (SELECT wrapped_key FROM person_key WHERE person = $1)"
            " WHERE person = $2", *marks,
        )  # fmt: skip
        with pytest.raises(InvalidTag):
            await keyring.known_keys(STORE, marks[1:])


async def test_a_credential_opens_with_its_master_key_in_its_own_row_only(
    database_url: str, connection: Connection
) -> None:
    """A wrong key, another reference and another store do not open it; nothing of it stands in clear."""
    async with service_pool(database_url) as pool:
        credentials = Credentials(pool, MASTER)
        fingerprint = await credentials.write(STORE, "jurnal", b"hush-hush", updated_at=NOON)
        assert await credentials.read(STORE, "jurnal") == b"hush-hush"
        assert await credentials.read(STORE, "iseller") is None
        row = await connection.fetchrow("SELECT * FROM credential")
        assert row is not None
        assert b"hush" not in row["sealed"]
        assert (row["fingerprint"], len(fingerprint)) == (fingerprint, 12)
        assert Credentials(pool, MasterKey(bytes(32))).fingerprint(b"hush-hush") != fingerprint
        with pytest.raises(InvalidTag):
            await Credentials(pool, MasterKey(bytes(32))).read(STORE, "jurnal")
        await connection.execute("UPDATE credential SET reference = 'iseller'")
        with pytest.raises(InvalidTag):
            await credentials.read(STORE, "iseller")
        await connection.execute("UPDATE credential SET reference = 'jurnal', store_id = $1", OTHER_STORE)
        with pytest.raises(InvalidTag):
            await credentials.read(OTHER_STORE, "jurnal")


@pytest.mark.servers
async def test_a_single_use_secret_is_renewed_by_one_at_a_time(database_url: str) -> None:
    """The row is locked from reading to writing, and a rolled back renewal leaves the old secret."""
    async with service_pool(database_url) as pool:
        credentials = Credentials(pool, MASTER)
        await credentials.write(STORE, "token", b"first", updated_at=NOON)
        async with pool.acquire() as one, pool.acquire() as other:
            renewal = one.transaction()
            await renewal.start()
            assert await credentials.lock(one, STORE, "token") == b"first"
            await credentials.write_with(one, STORE, "token", b"second", updated_at=NOON)
            locked = "SELECT 1 FROM credential WHERE store_id = $1 FOR UPDATE SKIP LOCKED"
            assert await other.fetch(locked, STORE) == []
            assert await credentials.read(STORE, "token") == b"first"
            await renewal.rollback()
        assert await credentials.read(STORE, "token") == b"first"


def test_the_master_key_is_32_bytes_from_a_file_and_purposes_never_share_one(tmp_path: Path) -> None:
    """A missing or short key says what to do; the key itself is shown nowhere."""
    file = tmp_path / "key"
    with pytest.raises(SealingKeyMissing, match="make one with"):
        MasterKey.from_file(file)
    file.write_text("00" * 16)
    with pytest.raises(SealingKeyMissing):
        MasterKey.from_file(file)
    file.write_text(bytes(range(32)).hex() + "\n")
    key = MasterKey.from_file(file)
    assert key.fingerprint == MASTER.fingerprint
    assert key.derive("a") == MASTER.derive("a") != key.derive("b")
    assert bytes(range(32)).hex() not in repr(key) + key.fingerprint
