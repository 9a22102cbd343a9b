"""The parts of an opened ledger, as every command of the CLI needs them."""

import msgspec

from eventstore.appender import Appender
from eventstore.clock import Clock
from eventstore.connection import Pool
from eventstore.credentials import Credentials
from eventstore.keyring import Keyring, MasterKey
from eventstore.store import LedgerReader
from projections.jurnal_commands.booked import read_folded
from projections.jurnal_commands.queue import SendQueue
from service.operations import Operations
from service.people import People
from service.reconciliation_ledger import ReconciliationLedger
from service.setup import StoreSetup


class Ledger(msgspec.Struct, frozen=True):
    """What every command of the CLI needs of the ledger. `kept`: the connections that keep their plans."""

    pool: Pool
    kept: Pool
    clock: Clock
    reader: LedgerReader
    appender: Appender
    master: MasterKey
    credentials: Credentials
    keyring: Keyring

    @property
    def setup(self) -> StoreSetup:
        """Return what applies set-up files."""
        return StoreSetup(self.pool, self.reader, self.appender, self.credentials, self.clock)

    @property
    def queue(self) -> SendQueue:
        """Return what reads how commands stand."""
        return SendQueue(self.pool)

    @property
    def people(self) -> People:
        """Return what unseals the names of customers."""
        return People(self.reader, self.keyring)

    @property
    def reconciliation(self) -> ReconciliationLedger:
        """Return what appends what comparisons found."""
        return ReconciliationLedger(self.pool, self.appender, self.clock)

    async def folded(self, store_id: str) -> int:
        """Return how far all that a comparison reads is folded."""
        return await read_folded(self.pool, store_id)

    @property
    def operations(self) -> Operations:
        """Return what appends a person's decisions."""
        return Operations(self.pool, self.reader, self.appender, self.clock)
