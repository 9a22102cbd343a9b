"""Forward-only numbered SQL migrations with checksums, under a lock, safe to interrupt and to run twice."""

import re
from collections.abc import Sequence
from hashlib import sha256
from importlib.resources import files

import asyncpg
import msgspec

from eventstore.connection import Connection
from eventstore.errors import MigrationError
from eventstore.statements import statement

_NAME = re.compile(r"^(\d{4})_[a-z0-9_]+\.sql$")
_ROLE = re.compile(r"^[a-z_][a-z0-9_]{0,62}$")
# One migrator at a time; the number is arbitrary and only has to stay the same.
_LOCK_KEY = 5_774_795


class Migration(msgspec.Struct, frozen=True):
    """One numbered SQL file of a package's `migrations` folder."""

    package: str
    number: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """Hex SHA-256 of the file as shipped."""
        return sha256(self.sql.encode()).hexdigest()


def load_migrations(package: str) -> list[Migration]:
    """Return the migrations of `package` in their order. Raises `MigrationError` on a gap or a bad name."""
    found = []
    for file in files(package).joinpath("migrations").iterdir():
        if file.name.endswith(".sql"):
            match = _NAME.match(file.name)
            if match is None:
                raise MigrationError(f"{package}/migrations/{file.name}: name it NNNN_words.sql")
            found.append(Migration(package, int(match[1]), file.name, file.read_text(encoding="utf-8")))
    found.sort(key=lambda migration: migration.number)
    if [migration.number for migration in found] != list(range(1, len(found) + 1)):
        raise MigrationError(f"{package}/migrations: numbers must run 0001, 0002, … without a gap")
    return found


async def apply_migrations(connection: Connection, packages: Sequence[str], *, service_role: str) -> list[str]:
    """Apply what is missing, each file in its own transaction; return the names applied now.

    The connection must belong to the migrator, who owns the schema. `service_role` receives the grants and is
    made (without login) if the migrator may do so. Raises `MigrationError` when a file that was applied has changed
    or the database is ahead of this release.
    """
    if not _ROLE.match(service_role):
        raise MigrationError(f"service role {service_role!r}: use lower-case letters, digits and _ only")
    applied: list[str] = []
    async with connection.transaction():
        # IF NOT EXISTS alone is no guard: two that see no table both make it, and one fails.
        await connection.execute(statement(__package__, "lock_migrations"), _LOCK_KEY)
        await connection.execute(statement(__package__, "create_migration_table"))
    for package in packages:
        await _refuse_newer_database(connection, package)
    await _ensure_role(connection, service_role)
    for package in packages:
        for migration in load_migrations(package):
            async with connection.transaction():
                await connection.execute(statement(__package__, "lock_migrations"), _LOCK_KEY)
                known = await connection.fetchval(
                    statement(__package__, "migration_checksum"), package, migration.number
                )
                if known is None:
                    await connection.execute(migration.sql.replace(":service_role", f'"{service_role}"'))
                    await connection.execute(
                        statement(__package__, "record_migration"),
                        package,
                        migration.number,
                        migration.name,
                        migration.checksum,
                    )
                    applied.append(f"{package}/{migration.name}")
                elif known != migration.checksum:
                    raise MigrationError(
                        f"{package}/{migration.name} was applied with other contents; restore it and add a new file"
                    )
    return applied


async def pending_migrations(connection: Connection, packages: list[str]) -> list[str]:
    """Return what this release needs and the database lacks. Raises `MigrationError` if the database is ahead."""
    if await connection.fetchval(statement(__package__, "migration_table_exists")) is None:
        return [f"{m.package}/{m.name}" for package in packages for m in load_migrations(package)]
    missing = []
    for package in packages:
        migrations = load_migrations(package)
        known = {
            record["number"] for record in await connection.fetch(statement(__package__, "migrations_applied"), package)
        }
        missing += [f"{package}/{m.name}" for m in migrations if m.number not in known]
        await _refuse_newer_database(connection, package)
    return missing


async def _refuse_newer_database(connection: Connection, package: str) -> None:
    records = await connection.fetch(statement(__package__, "migrations_applied"), package)
    latest = max((record["number"] for record in records), default=0)
    if latest > len(load_migrations(package)):
        raise MigrationError(f"the database has {package} migration {latest}, unknown to this release")


async def _ensure_role(connection: Connection, role: str) -> None:
    if await connection.fetchval(statement(__package__, "role_exists"), role):
        return
    try:
        await connection.execute(f'CREATE ROLE "{role}" NOLOGIN')
    except asyncpg.DuplicateObjectError:
        return  # another migrator was faster
    except asyncpg.UniqueViolationError:
        return  # the same, seen by the catalogue's index
    except asyncpg.InsufficientPrivilegeError as error:
        raise MigrationError(f"role {role!r} is missing and this login may not create it; create it first") from error
