"""Histories as Parquet: every fact as it is, and a clear word where the extra is not installed."""

import hashlib
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec
import pytest

from eventstore.chain import microseconds
from eventstore.errors import HistoryError
from eventstore.history import PARQUET_FORMAT, manifest_path
from eventstore.history_export import export_history
from eventstore.history_import import import_history
from eventstore.store import LedgerReader
from tests.integration.odd_facts import odd_facts
from tests.ledger import STORE, appender_on, service_pool


async def test_a_ledger_as_parquet_holds_every_fact_as_it_is(database_url: str, tmp_path: Path) -> None:
    """Read by pyarrow itself: bytes as bytes, times to the microsecond; the manifest names the file's digest."""
    path = tmp_path / "history.parquet"
    async with service_pool(database_url) as pool:
        reader = LedgerReader(pool)
        await appender_on(pool).append(STORE, odd_facts())
        manifest = await export_history(reader, STORE, path, form="parquet")
        facts = await reader.read_after(STORE, 0, 100)
        with pytest.raises(HistoryError, match="this release reads"):
            await import_history(pool, path)
    table: Any = import_module("pyarrow.parquet").read_table(path)
    times = import_module("pyarrow").int64()
    for name in table.column_names:
        column = table.column(name)
        if name.endswith("_at"):
            assert column.cast(times).to_pylist() == [microseconds(getattr(fact, name)) for fact in facts]
        else:
            assert column.to_pylist() == [getattr(fact, name) for fact in facts]
    assert table.column_names == [field.name for field in msgspec.structs.fields(facts[0])]
    assert manifest.format == PARQUET_FORMAT
    assert manifest.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert manifest_path(path).is_file()


def files_in(folder: Path) -> list[Path]:
    """Return what stands in a folder."""
    return list(folder.iterdir())


async def test_without_the_extra_the_export_says_what_to_install(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One sentence, and no file is left behind."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    async with service_pool(database_url) as pool:
        await appender_on(pool).append(STORE, odd_facts()[:1])
        with pytest.raises(HistoryError, match=r"pip install 'jurnalsync\[audit\]'"):
            await export_history(LedgerReader(pool), STORE, tmp_path / "history.parquet", form="parquet")
    assert files_in(tmp_path) == []
