"""Decides what a person's word about a difference asks of Jurnal: a proven duplicate goes, once. Pure."""

from eventstore.event import Fact
from eventstore.facts.reconciliation import DuplicateDeletionRequested
from projections.changes.settings import StoreSettings
from projections.jurnal_commands.commands import DeleteDuplicate
from projections.jurnal_commands.decision import Decision, Noted, Planned, SyncRecord
from projections.jurnal_commands.identity import command_id


def decide_repair(settings: StoreSettings, fact: Fact, asked: DuplicateDeletionRequested) -> list[Decision]:
    """Return the command that deletes a duplicate; asked twice, it has one identity."""
    command = DeleteDuplicate(
        resource=asked.resource,
        jurnal_id=asked.jurnal_id,
        kept_id=asked.kept_id,
        marked=asked.command_id,
        number=asked.transaction_no,
        amount=asked.amount,
    )
    name = f"duplicate-{asked.resource}.{asked.jurnal_id}"
    record = SyncRecord(
        record_id=name,
        kind="duplicate",
        reference=asked.transaction_no,
        business_date=asked.business_date,
        amount=asked.amount,
    )
    if settings.connection is None:
        return [Noted(record=record, state="skipped", reason="The store is not connected to a Jurnal company")]
    return [Planned(command_id=command_id(fact.store_id, command), command=command, lane=name, record=record)]
