"""Resources with routes or answers of their own beside the usual operations."""

from collections.abc import Iterable
from typing import Any

from aiohttp import web

from ops.sandbox.jurnal.contacts import Contacts
from ops.sandbox.jurnal.credit_memos import CreditMemos
from ops.sandbox.jurnal.endpoints import API, Endpoints, page_of
from ops.sandbox.jurnal.gate import answer
from ops.sandbox.jurnal.products import Products
from ops.sandbox.jurnal.resource import Resource


class ContactEndpoints(Endpoints):
    """contacts answer in shapes of their own."""

    def __init__(self, contacts: Contacts) -> None:
        super().__init__(contacts)
        self._contacts = contacts

    async def list(self, request: web.Request) -> web.Response:
        """Show a page of contacts in the contact list's envelope."""
        return answer(self._contacts.page_of_list(*page_of(request, self._contacts.page_size_max())))

    async def get(self, request: web.Request) -> web.Response:
        """Show one contact."""
        person = self._contacts.at(request.match_info["id"], request.query)
        return answer({"person": self._contacts.show(person), "restricted_user": False})


class ProductEndpoints(Endpoints):
    """products can be archived and taken into use again."""

    def __init__(self, products: Products) -> None:
        super().__init__(products)
        self._products = products

    def routes(self) -> Iterable[web.RouteDef]:
        """Return the usual routes and the two of the archive."""
        yield from super().routes()
        for word in ("deactivate", "activate"):
            yield web.post(f"{API}/products/{{id}}/{{word:{word}}}", self.archive)

    async def archive(self, request: web.Request) -> web.Response:
        """Archive a product, or take it into use."""
        product = self._products.at(request.match_info["id"], request.query)
        archived = request.match_info["word"] == "deactivate"
        return answer({"product": self._products.show(self._products.archive(product, archived=archived))})


class CreditMemoEndpoints(Endpoints):
    """credit_memos can be asked for by person."""

    def __init__(self, credit_memos: CreditMemos) -> None:
        super().__init__(credit_memos)
        self._credit_memos = credit_memos

    def routes(self) -> Iterable[web.RouteDef]:
        """Return the usual routes and the list of a person's."""
        yield from super().routes()
        yield web.get(f"{API}/{{person_type:customer|vendor}}/{{id}}/credit_memos", self.of_person)

    async def of_person(self, request: web.Request) -> web.Response:
        """Show the credit memos of one person."""
        found = request.match_info
        return answer(self._credit_memos.of_person(found["person_type"], found["id"]))


def endpoints_of(resource: Resource[Any]) -> Endpoints:
    """Return the endpoints of a resource, its particular ones if it has any."""
    match resource:
        case Contacts():
            return ContactEndpoints(resource)
        case Products():
            return ProductEndpoints(resource)
        case CreditMemos():
            return CreditMemoEndpoints(resource)
        case _:
            return Endpoints(resource)
