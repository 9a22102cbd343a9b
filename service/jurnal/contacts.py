"""Whose the contact is that has a customer's own id: iSeller may know two people by one id, and so may a person."""

from projections.jurnal_commands.commands import CreateCustomer
from service.jurnal.exchange import Steps
from service.jurnal.marks import customer_mark
from service.jurnal.outcome import Absent, Ambiguous, Found, ProbeFailed, ProbeOutcome, probe_outcome
from service.jurnal.payloads import PersonNames, full_name
from service.jurnal.reading import text_of
from service.jurnal.resources import CUSTOMERS, customer_key, probe_for, read


def has_own_key(command: CreateCustomer, command_id: str) -> bool:
    """Tell whether the customer's custom_id is iSeller's; an identity of ours is nobody else's."""
    return customer_key(command, command_id) != command_id


def probing_contact(
    command: CreateCustomer, command_id: str, person: PersonNames, others: frozenset[int], *, vouched: bool
) -> Steps[ProbeOutcome]:
    """Look under iSeller's id, then under ours. `others`: ids of contacts that are other customers'.

    `vouched`: a person knows that iSeller's id is somebody else's in Jurnal, and wants a contact under ours.
    """
    found = probe_outcome(command, (yield probe_for(command, command_id)))
    theirs = whose(command, command_id, person, others, found) if isinstance(found, Found) else None
    if isinstance(found, ProbeFailed) or (isinstance(found, Found) and theirs is None):
        return found
    ours = probe_outcome(command, (yield read(CUSTOMERS, command_id)))
    if theirs is None or vouched or not isinstance(ours, Absent):
        return ours
    return theirs


def key_to_use(
    command: CreateCustomer, command_id: str, person: PersonNames, others: frozenset[int]
) -> Steps[CreateCustomer | ProbeFailed]:
    """Return the customer without iSeller's id where that is somebody else's by now."""
    found = probe_outcome(command, (yield probe_for(command, command_id)))
    if isinstance(found, Found) and whose(command, command_id, person, others, found) is not None:
        # Without it its mark is not iSeller's id either: two customers of one id and one name are two contacts.
        return CreateCustomer(customer_id=command.customer_id, code="", position=command.position)
    return found if isinstance(found, ProbeFailed) else command


def whose(
    command: CreateCustomer, command_id: str, person: PersonNames, others: frozenset[int], found: Found
) -> Ambiguous | None:
    """Say why a contact under the customer's own id is not this customer's; None where it is. No name is repeated."""
    if not has_own_key(command, command_id) or text_of(found.record, "custom_id") == command_id:
        return None
    told = f"Jurnal's contact with the custom_id {command.own_id}"
    if found.document.jurnal_id in others:
        return Ambiguous(
            reason=f"{told} is another customer's of this store: iSeller has two customers with one id. Give one of "
            "them another id in iSeller, or turn customer_ids off, for those to come; then retry: "
            "this one gets a contact of its own, under an id of ours"
        )
    if is_named(command, person, text_of(found.record, "display_name") or ""):
        return None
    return Ambiguous(
        reason=f"{told} has another name than iSeller's customer. If it is the same person, give the contact in "
        f"Jurnal the name that iSeller has, or that name with {customer_mark(command)} behind it, then retry. If not, "
        "give one of the two another id, or turn customer_ids off, for those to come; then retry: "
        "this one gets a contact of its own, under an id of ours"
    )


def is_named(command: CreateCustomer, person: PersonNames, found: str) -> bool:
    """Compare names as people read them; of a customer without a name, or whose name is erased, only the mark tells."""
    name, mark = full_name(person), customer_mark(command)
    if not name:
        return _read(found).endswith(_read(mark))
    return _read(found) in {_read(name), _read(f"{name} {mark}")}


def _read(text: str) -> str:
    return " ".join(text.split()).casefold()
