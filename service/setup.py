"""Sets stores up: secrets into the credentials table, everything else as facts, only what differs."""

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from eventstore.appender import Appender
from eventstore.clock import Clock
from eventstore.connection import Pool
from eventstore.credentials import Credentials
from eventstore.facts.settings import MappingFact, MappingRemoved
from eventstore.store import LedgerReader, open_ledger
from service.setup_difference import difference, removal
from service.setup_error import SettingsOvertaken, SetupError
from service.setup_facts import gone_of, secrets_of, settings_of
from service.setup_file import StoreFile, read_store_file
from service.setup_history import SettingMade, history_of
from service.setup_ledger import KnownSettings, append_settings, read_known, read_setting_facts
from service.setup_problems import setting_problems, store_problems


class Applied(msgspec.Struct, frozen=True):
    """What changed, or would change: one line a field, empty if the store stood so already.

    `version`: of the settings, after what was changed. `left`: outlets and channels that stay mapped though the file
    leaves them out.
    """

    store_id: str
    changes: tuple[str, ...]
    version: int
    left: tuple[str, ...] = ()


class StoreSetup:
    """Applies set-up files and mappings of one store at a time."""

    def __init__(
        self, pool: Pool, reader: LedgerReader, appender: Appender, credentials: Credentials, clock: Clock
    ) -> None:
        self._pool = pool
        self._reader = reader
        self._appender = appender
        self._credentials = credentials
        self._clock = clock

    async def known(self, store_id: str) -> KnownSettings:
        """Return a store's settings as they stand. Raises `SetupError` for a store that is not connected."""
        known = await read_known(self._reader, store_id)
        if known.connection is None:
            raise SetupError(f"no store {store_id!r} is connected; apply its set-up file: jurnalsync setup apply FILE")
        return known

    async def history(self, store_id: str) -> list[SettingMade]:
        """Return who changed what when, oldest first. Raises `SetupError` for a store that is not connected."""
        await self.known(store_id)
        return history_of(await read_setting_facts(self._reader, store_id))

    async def apply(
        self, path: Path, *, actor: str | None = None, unmap: bool = False, dry_run: bool = False
    ) -> Applied:
        """Apply the file at `path`; secrets are read from the files it names, relative to it.

        `actor` stands in each fact. Outlets and channels that are not in the file stay mapped, unless `unmap` says they
        shall not. A `dry_run` only tells what would change. Raises `SetupError`.
        """
        try:
            file = read_store_file(path)
            secrets = secrets_of(file, path.parent)
            # What can be no store's name is never asked of the database.
            refused = any(store_problems(file.store))
            known = KnownSettings() if refused else await read_known(self._reader, file.store)
            fingerprints = {name: self._credentials.fingerprint(secret) for name, secret in secrets.items()}
            left = gone_of(file, known)
            told = settings_of(file, fingerprints, known)
            changed = self._changed(known, [*told, *(left if unmap else ())], file)
        except SetupError as error:
            raise SetupError("\n".join(f"{path}: {line}" for line in str(error).splitlines())) from error
        new_secrets = {
            name: secret for name, secret in secrets.items() if await self._credentials.read(file.store, name) != secret
        }
        if not dry_run:
            await open_ledger(self._pool, file.store, recorded_at=self._clock.now())
            await self._append(file.store, changed, known, actor)
            for name, secret in new_secrets.items():
                await self._credentials.write(file.store, name, secret, updated_at=self._clock.now())
        stored = [f"credential {name}: stored, fingerprint {fingerprints[name]}" for name in new_secrets]
        applied = self._applied(file.store, stored, known, changed, dry_run=dry_run)
        return (
            applied
            if unmap
            else msgspec.structs.replace(
                applied, left=tuple(f"{each.mapped} {each.name}" for each in left if each.mapped != "sales_accounts")
            )
        )

    async def map(
        self,
        store_id: str,
        mappings: Callable[[KnownSettings], Sequence[MappingFact]],
        *,
        actor: str | None = None,
        dry_run: bool = False,
        expected_version: int | None = None,
    ) -> Applied:
        """Apply the `mappings` that are made of what stands, all or none; `actor` stands in each fact.

        Raises `SetupError`, and `SettingsOvertaken` where the settings do not stand at `expected_version`.
        """
        known = await self.known(store_id)
        if expected_version not in (None, known.version):
            raise SettingsOvertaken(known.version)
        changed = self._changed(known, mappings(known), None)
        if not dry_run:
            await self._append(store_id, changed, known, actor)
        return self._applied(store_id, [], known, changed, dry_run=dry_run)

    def _applied(
        self, store_id: str, stored: list[str], known: KnownSettings, changed: Sequence[MappingFact], *, dry_run: bool
    ) -> Applied:
        version = known.version + (0 if dry_run else len(changed))
        return Applied(store_id, (*stored, *_differences(known, changed)), version)

    def _changed(
        self, known: KnownSettings, settings: Sequence[MappingFact], file: StoreFile | None
    ) -> list[MappingFact]:
        """Return what differs from what stands. Raises `SetupError` with everything that is wrong with it."""
        changed = known.changed_by(settings)
        problems = setting_problems(changed, known.with_changes(changed))
        if file is not None:
            problems = [*store_problems(file.store), *_company_problems(known, file), *problems]
        if problems:
            raise SetupError("\n".join(problems))
        return changed

    async def _append(
        self, store_id: str, changed: Sequence[MappingFact], known: KnownSettings, actor: str | None
    ) -> None:
        now = self._clock.now()
        await append_settings(
            self._reader, self._appender, store_id, changed, version=known.version, at=now, actor=actor
        )


def _company_problems(known: KnownSettings, file: StoreFile) -> list[str]:
    connected = known.connection
    if known.live_from is None or connected is None or connected.company_id == file.company:
        return []
    must_stay = f"company {file.company!r} must stay {connected.company_id!r}: Live Mode is on"
    return [f"{must_stay}, and what was booked stands in that company; set another store up for the new one"]


def _differences(known: KnownSettings, changed: Sequence[MappingFact]) -> list[str]:
    return [
        line
        for setting in changed
        for line in (
            [removal(setting)] if isinstance(setting, MappingRemoved) else difference(known.standing(setting), setting)
        )
    ]
