"""Decides whom an order is booked on: a registered customer of its own in Jurnal, once, or the walk-in contact.

The link is ours: a customer's command is named after iSeller's GUID, so however often a customer buys, and whatever
becomes of the name or the id shown to people, there is one contact. It is made from the first order, with the names
that stand sealed in it. Reports of members change nothing in Jurnal: their webhook's body is undocumented, and a PATCH
of a contact replaces what an accountant has written there since.
"""

import re

from eventstore.facts.reports.orders import OrderReport
from projections.changes.orders import OrderState
from projections.changes.settings import StoreSettings
from projections.jurnal_commands.commands import CreateCustomer
from projections.jurnal_commands.decision import Planned, SyncRecord
from projections.jurnal_commands.identity import customer_command_id

_CODE_LENGTH = 8
# Jurnal looks a custom_id up by its path: other characters break that, and it takes a bare number for its own id.
_OWN_ID = re.compile(r"(?=[0-9._-]*[A-Za-z])[A-Za-z0-9._-]{1,100}")
# Ours begin with it; an id of the shopkeeper's that looks like one could be taken for another customer's.
_OURS = "cus-"


def customer_of(state: OrderState, order: OrderReport, settings: StoreSettings, store_id: str) -> tuple[Planned, ...]:
    """Return the command that makes the order's customer known to Jurnal; none for the walk-in contact.

    With the rule `customer_ids` iSeller's id of the customer is also Jurnal's, as far as Jurnal can look it up, and its
    code makes the display name unique; without it, or for a customer without an id, both come from the GUID. An id that
    Jurnal cannot look up, such as a bare number, another store's customer may have: the GUID's code stands behind it.
    """
    if order.customer_id is None:
        return ()
    told = (order.external_customer_id or "").strip() if settings.rules.customer_ids else ""
    own_id = told if _can_be_looked_up(told) else None
    customer = CreateCustomer(
        customer_id=order.customer_id,
        code=own_id or f"{told} {order.customer_id[:_CODE_LENGTH]}".strip(),
        position=state.customer_position,
        own_id=own_id,
    )
    planned = Planned(
        command_id=customer_command_id(store_id, order.customer_id),
        command=customer,
        lane=f"customer-{order.customer_id}",
        record=SyncRecord(record_id=f"customer-{order.customer_id}", kind="customer", reference=customer.code),
    )
    return (planned,)


def _can_be_looked_up(told: str) -> bool:
    return _OWN_ID.fullmatch(told) is not None and not told.startswith(_OURS)
