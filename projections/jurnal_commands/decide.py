"""Says what shows of a report that cannot be read; documents are judged in the modules beside this one."""

from eventstore.event import Fact
from eventstore.facts.incidents import PayloadUnreadable
from projections.jurnal_commands.decision import Noted, SyncRecord


def unreadable(fact: Fact, meaning: PayloadUnreadable) -> Noted:
    """Return the line of a report that cannot be read."""
    return Noted(
        record=SyncRecord(record_id=fact.stream_id, kind="unreadable", reference=meaning.kind),
        state="failed",
        reason=f"iSeller sent a report that cannot be read: {meaning.field}: {meaning.reason}",
        what_to_do="Nothing is lost: the bytes are kept. Send the position of this record to support",
    )
