"""What a person does in Jurnal's own pages, past the interface and its quota."""

from collections.abc import Iterable
from typing import Any

from ops.sandbox.jurnal.company import Company
from ops.sandbox.jurnal.faults import FaultKind
from ops.sandbox.jurnal.resource import Json, Resource


class ByHand:
    """Edits and deletes documents under the same guards as the interface; raises Refusal where it refuses."""

    def __init__(self, company: Company, resources: Iterable[Resource[Any]]) -> None:
        self._company = company
        self._resources = {resource.plural: resource for resource in resources}

    def edit(self, plural: str, key: object, **fields: object) -> Json:
        """Replace what a document says with the attributes of a PATCH; return it as it is shown then."""
        resource = self._resources[plural]
        changed = resource.change(resource.at(str(key), {}), fields)
        self._company.injected[FaultKind.EDITED_BY_HAND] += 1
        return resource.show(changed)

    def reconcile(self, key: object) -> None:
        """Match an invoice's deposit with the bank's statement: it is neither changed nor deleted any more."""
        invoice = self._company.sales_invoices.at(str(key))
        assert invoice is not None, f"there is no invoice {key}"
        invoice.is_reconciled = True

    def delete(self, plural: str, key: object) -> None:
        """Delete a document."""
        resource = self._resources[plural]
        resource.delete(resource.at(str(key), {}))
        self._company.injected[FaultKind.DELETED_BY_HAND] += 1
