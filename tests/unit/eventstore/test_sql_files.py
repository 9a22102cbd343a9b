"""Rules that every SQL file of the ledger and the projections keeps."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
FILES = sorted(path for package in ("eventstore", "projections") for path in (ROOT / package).rglob("sql/*.sql"))
# What is not about one store: the schema itself, the clock, and the process's own sums over all stores.
NOT_OF_ONE_STORE = {
    "analyze_archived_keys.sql",
    "create_migration_table.sql", "database_now.sql", "lock_migrations.sql", "login_may_change_facts.sql",
    "migration_checksum.sql", "migration_table_exists.sql", "migrations_applied.sql", "plan_anew.sql",
    "record_migration.sql", "role_exists.sql", "saved.sql", "set_commit_unflushed.sql",
    "set_for_transaction.sql", "set_lock_patience.sql",
}  # fmt: skip
OVER_ALL_STORES = {
    "list_stores.sql", "notify_stores.sql", "read_behind.sql", "acquire_leases.sql", "release_leases.sql",
    "read_leases.sql", "count_lag.sql", "count_stalled.sql",
    "count_states.sql", "read_paused.sql", "count_held.sql", "oldest_days.sql", "count_differences.sql",
}  # fmt: skip


def _named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", FILES, ids=_named)
def test_every_statement_names_the_store_it_is_about(path: Path) -> None:
    """Every key leads with the store; only the schema's own statements and sums over all stores do not ask for one."""
    sql = path.read_text(encoding="utf-8")
    if path.name in NOT_OF_ONE_STORE:
        assert "store_id" not in sql
        return
    assert "store_id" in sql
    if path.name not in OVER_ALL_STORES:
        several = r"store_id = ANY \(\$1::text\[\]\)|unnest\(\$1::text\[\][^;]*?AS w \(store_id"
        asked = re.search(rf"store_id = \$1\b|\(store_id[^)]*\)\s+VALUES \(\$1\b|SELECT \$1,|{several}", sql)
        assert asked, f"{path.name} does not ask for the store by its first parameter"


@pytest.mark.parametrize("path", FILES, ids=_named)
def test_every_file_holds_one_statement_that_some_module_loads(path: Path) -> None:
    """No statement is dead, and none hides a second one."""
    sql = path.read_text(encoding="utf-8")
    code = re.sub(r"--[^\n]*|'[^']*'", "", sql)
    assert ";" not in code.rstrip().removesuffix(";")
    modules = "".join(module.read_text(encoding="utf-8") for module in path.parents[1].glob("*.py"))
    assert f'"{path.stem}"' in modules


@pytest.mark.parametrize("package", ["eventstore", "projections"])
def test_every_table_of_business_leads_its_key_with_the_store(package: str) -> None:
    """The schema can be distributed by store: every primary key and unique constraint begins with it."""
    for path in sorted((ROOT / package / "migrations").glob("*.sql")):
        for name, body in re.findall(r"CREATE TABLE (\w+) \((.*?)\n\);", path.read_text(encoding="utf-8"), re.DOTALL):
            keys = re.findall(r"(?:PRIMARY KEY|UNIQUE) \((\w+)", body)
            inline = re.findall(r"^\s*(\w+)[^,\n]*PRIMARY KEY(?! \()", body, re.MULTILINE)
            assert keys + inline, f"{name} has no key"
            assert set(keys + inline) == {"store_id"}, name
