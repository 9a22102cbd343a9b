"""What a document asked of Jurnal so far, by record: enough to settle a record's commands and to read their answers."""

from collections.abc import Iterable

import msgspec


class Asked(msgspec.Struct, frozen=True, array_like=True):
    """A command that was planned in the document's lane.

    `kind`: the command's name. `invoice`: the BookInvoice command it makes, pays or changes, empty for all others.
    `needs`: which commands of the same document must be accepted first.
    """

    command_id: str
    record_id: str
    kind: str
    invoice: str = ""
    needs: tuple[str, ...] = ()


def hanging_on(asked: Iterable[Asked], record_id: str) -> tuple[Asked, ...]:
    """Return the commands of a record, and all that could never go without them, in their order."""
    found: dict[str, Asked] = {}
    for each in asked:
        if each.record_id == record_id or not found.keys().isdisjoint(each.needs):
            found[each.command_id] = each
    return tuple(found.values())
