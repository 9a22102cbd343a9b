"""How the products and customers that the service made differ in Jurnal from what it made. Pure.

A customer's name is unsealed to be compared and told in no word; phones are a person's to mend. Of products that Jurnal
had already nothing but what documents depend on is compared.
"""

from datetime import date

import msgspec

from projections.jurnal_commands.booked import Booked
from projections.jurnal_commands.commands import CreateCustomer, CreateProduct
from service import reconciling
from service.jurnal.comparing import differs
from service.jurnal.contacts import is_named
from service.jurnal.payloads import PersonNames, full_name
from service.jurnal.reading import Record, text_of
from service.jurnal.resources import CUSTOMERS, PRODUCTS
from service.reconciling import Expected

# They are read one by one, some of each in turn: so many a comparison, whatever there is.
READ_AT_ONCE_MAX = 20
KINDS = (CreateProduct.__name__, CreateCustomer.__name__)
RESOURCES = (PRODUCTS.plural, CUSTOMERS.plural)


def expected_of(booked: Booked, told_on: date) -> Expected:
    """Return what Jurnal must have; it belongs to no day but the one on which it is told that it has not."""
    return Expected(booked=msgspec.structs.replace(booked, business_date=told_on), command=booked.command)


def altered(expected: Expected, record: Record, person: PersonNames | None) -> list[str]:
    """Return how it differs, in words; a customer's name, `person`, is in none of them."""
    command, command_id = expected.booked.command, expected.booked.command_id
    differences = reconciling.altered(expected, record)
    # Without our key it may have been Jurnal's before us.
    if isinstance(command, CreateProduct) and text_of(record, "custom_id") == command_id:
        differences += differs("name", command.name, text_of(record, "name"))
    if isinstance(command, CreateCustomer) and record.get("archive") is True:
        differences.append("the customer is archived")
    if isinstance(command, CreateCustomer) and person is not None:
        differences += _name_differs(command, person, record)
    return differences


def _name_differs(command: CreateCustomer, person: PersonNames, record: Record) -> list[str]:
    """Compare a customer's name; one that iSeller never told, or that was erased, may be a person's."""
    shown = text_of(record, "display_name")
    if not full_name(person) or shown is None or is_named(command, person, shown):
        return []
    return ["display_name is not the name that iSeller told"]
