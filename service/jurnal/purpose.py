"""What a command's call is for: by the day its business happened on, so that old work never holds today's up."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from projections.jurnal_commands.commands import (
    ApplyCredit,
    Command,
    CreateCustomer,
    CreateProduct,
    DeleteDuplicate,
    DeleteInvoice,
    UpdateInvoice,
)
from service.jurnal.pace import Purpose


def purpose_of(command: Command, now: datetime, zone: ZoneInfo) -> Purpose:
    """Return fresh for what is of today or yesterday in `zone` or has no day; backfill for older ones and repairs."""
    if isinstance(command, DeleteDuplicate):
        return Purpose.BACKFILL
    day = _day(command)
    return Purpose.FRESH if day is None or day >= fresh_since(now, zone) else Purpose.BACKFILL


def fresh_since(now: datetime, zone: ZoneInfo) -> date:
    """Return yesterday, the first day whose business is fresh."""
    return now.astimezone(zone).date() - timedelta(days=1)


def _day(command: Command) -> date | None:
    if isinstance(command, (ApplyCredit, CreateCustomer, CreateProduct, DeleteDuplicate, DeleteInvoice)):
        return None
    if isinstance(command, UpdateInvoice):
        return command.content.transaction_date
    return command.transaction_date
