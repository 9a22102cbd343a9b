"""How a document tells whose it is: the identity in its memo or in a line, where it has no key of its own."""

from projections.jurnal_commands.commands import Command, CreateCustomer
from service.jurnal.resources import reference_of
from service.jurnal.wording import plain

_METHOD_CHARACTERS_MAX = 40


def memo(command: Command, command_id: str, object_id: str, method: str | None = None) -> str:
    """Return the memo of a document: what a person can search both systems for, and how its deposit was paid."""
    # Each part has its own limit, so that a long one cannot push the identity out of the memo.
    paid_by = plain(method or "", characters_max=_METHOD_CHARACTERS_MAX)
    reference = plain(reference_of(command), characters_max=80 - len(paid_by) - (1 if paid_by else 0))
    told = filter(None, ("iSeller", reference, paid_by, plain(object_id, characters_max=60)))
    return f"{' '.join(told)} {command_id}"


def line_mark(command: Command, command_id: str) -> str:
    """Return the description of a document's only line."""
    return f"iSeller {plain(reference_of(command), characters_max=80)} {command_id}"


def carries(text: object, command_id: str) -> bool:
    """Tell whether a memo or description has the identity as one of its words."""
    return isinstance(text, str) and command_id in text.split()


def is_marked(text: object) -> bool:
    """Tell whether a memo or description is one of ours at all."""
    return isinstance(text, str) and text.startswith("iSeller ")


def customer_mark(command: CreateCustomer) -> str:
    """Return the end of a customer's display name, which tells two people of one name apart."""
    return f"({plain(command.code) or command.customer_id[:8]})"
