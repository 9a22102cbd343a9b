"""From HTTP to resources: the same five operations and a batch for every kind of record."""

import json
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from aiohttp import web

from ops.sandbox.jurnal.course import Course, course_of
from ops.sandbox.jurnal.errors import CUSTOM_ID_USED, NUMBER_USED, Refusal, invalid, taken
from ops.sandbox.jurnal.fields import Fields
from ops.sandbox.jurnal.gate import answer
from ops.sandbox.jurnal.resource import Json, Resource

API = "/public/jurnal/api/v1"
PAGE_SIZE = 25
WENT_WRONG = "Something went wrong"


async def body_of(request: web.Request) -> Fields:
    """Return the JSON object of a request; numbers with a point are exact decimals."""
    try:
        body = json.loads(await request.read(), parse_float=Decimal)
    except ValueError:
        raise Refusal(400, {"message": "Bad Request"}) from None
    if not isinstance(body, dict):
        raise Refusal(406, {"message": "Not Acceptable"})
    return body


def unwrapped(body: Fields, wrapper: str) -> Any:
    """Return what stands under the wrapper; without it the answer is 406."""
    if wrapper not in body:
        raise Refusal(406, {"message": "Not Acceptable"})
    return body[wrapper]


def fields_of(body: Fields, wrapper: str) -> Fields:
    """Return the attributes under the wrapper."""
    fields = unwrapped(body, wrapper)
    if not isinstance(fields, Mapping):
        raise Refusal(406, {"message": "Not Acceptable"})
    return fields


def _arrived(fields: Fields, course: Course) -> Fields:
    """Return the attributes without those that get lost on the way."""
    if course.plan.fields_dropped.isdisjoint(fields):
        return fields
    course.happened()
    return {key: value for key, value in fields.items() if key not in course.plan.fields_dropped}


def page_of(request: web.Request, cap: int) -> tuple[int, int]:
    """Return page number and page size; a larger size is cut to the cap without a word."""
    page, size = (request.query.get(key, "") for key in ("page", "page_size"))
    number = max(1, int(page)) if page.isdecimal() else 1
    return number, min(cap, max(1, int(size)) if size.isdecimal() else PAGE_SIZE)


class Endpoints:
    """The routes of one resource."""

    def __init__(self, resource: Resource[Any]) -> None:
        self._all = resource
        self._wrapper = resource.answer_singular or resource.singular

    @property
    def _resource(self) -> Resource[Any]:
        """Return the resource, or refuse what the company's plan does not have."""
        if self._all.needs_inventory and not self._all.company.settings.plan_with_inventory:
            raise Refusal(403, {"message": "Not allowed to access"})
        return self._all

    def routes(self) -> Iterable[web.RouteDef]:
        """Return the routes this resource has."""
        resource = self._all
        path = f"{API}/{resource.plural}"
        yield web.post(path, self.create)
        if resource.can_list:
            yield web.get(path, self.list)
        if resource.batch_status is not None:
            yield web.post(f"{path}/batch_create", self.batch)
        yield web.get(f"{path}/{{id}}", self.get)
        if resource.can_change:
            yield web.patch(f"{path}/{{id}}", self.change)
            yield web.put(f"{path}/{{id}}", self.change)
        if resource.can_delete:
            yield web.delete(f"{path}/{{id}}", self.delete)

    async def create(self, request: web.Request) -> web.Response:
        """Make one record."""
        course, resource = course_of(request), self._resource
        fields = _arrived(fields_of(await body_of(request), resource.singular), course)
        if course.plan.number_taken and (others := list(resource.register)) and fields.get("transaction_no"):
            course.happened()
            raise taken(others[-1].id, {"transaction_no": NUMBER_USED})
        record = resource.create(fields)
        if course.plan.custom_id_taken and record.custom_id is not None:
            course.happened()
            raise taken(record.id, {"custom_id": CUSTOM_ID_USED})
        return answer({self._wrapper: resource.show_made(record)}, resource.created_status)

    async def get(self, request: web.Request) -> web.Response:
        """Show one record."""
        shown = self._resource.show(self._resource.at(request.match_info["id"], request.query))
        return answer({self._wrapper: shown} if self._resource.single_is_wrapped else shown)

    async def change(self, request: web.Request) -> web.Response:
        """Replace one record."""
        fields = fields_of(await body_of(request), self._resource.singular)
        record = self._resource.at(request.match_info["id"], request.query)
        changed = self._resource.change(record, fields)
        return answer({self._wrapper: self._resource.show_made(changed)}, self._resource.changed_status)

    async def delete(self, request: web.Request) -> web.Response:
        """Delete one record; there is nothing to show."""
        self._resource.delete(self._resource.at(request.match_info["id"], request.query))
        return web.Response(status=204)

    async def batch(self, request: web.Request) -> web.Response:
        """Make up to a hundred records; each row has its own status."""
        resource = self._resource
        rows = unwrapped(await body_of(request), resource.plural)
        if not isinstance(rows, list) or len(rows) > resource.company.settings.batch_rows_max:
            raise Refusal(422, {"errors": "Unprocessable Entity"})
        course = course_of(request)
        refused = None if course.plan.row_refused is None or not rows else course.plan.row_refused % len(rows)
        answers: list[Json] = []
        for place, row in enumerate(rows):
            if place:
                await course.pause(course.plan.row_seconds)
            if place == refused:
                course.happened()
            answers.append({resource.singular: self._row(row, refused=place == refused)})
        return answer({resource.plural: answers}, resource.batch_status or 200)

    def _row(self, row: Any, *, refused: bool) -> Json:
        resource = self._resource
        fields = row.get(resource.singular) if isinstance(row, dict) else None
        try:
            if not isinstance(fields, dict):
                raise invalid({resource.singular: "is missing"})
            if refused:
                raise invalid({"base": WENT_WRONG})
            if resource.company.settings.batch_keys_checked == "none":
                with resource.company.unchecked_keys():
                    record = resource.create(fields)
            else:
                record = resource.create(fields, check_custom_id=resource.batch_checks_custom_id)
        except Refusal as refusal:
            echo = {**(fields if isinstance(fields, dict) else {}), "source": "apikey"}
            return {"status": refusal.status, "body": {resource.singular: echo}, "content": refusal.row}
        return {"status": 201, "content": resource.show_made(record)}

    async def list(self, request: web.Request) -> web.Response:
        """Show a page of records in the order asked for, newest first without one."""
        resource = self._resource
        page, size = page_of(request, resource.page_size_max())
        records = resource.in_order(request.query)
        rows = [resource.show_row(record) for record in records[(page - 1) * size : page * size]]
        body: Json = {resource.answer_plural or resource.plural: rows}
        if resource.list_envelope != "bare":
            body["total_count"] = len(records)
        if resource.list_envelope == "pages":
            pages = -(-len(records) // size)
            links = _links(request, page, pages)
            body |= {"current_page": page, "total_pages": pages} | ({"links": links} if links else {})
        return answer(body)


def _links(request: web.Request, page: int, pages: int) -> Json:
    """Return the links to the neighbouring pages that exist."""
    wanted = {"prev_link": page - 1, "next_link": page + 1}
    return {name: str(request.url.update_query(page=number)) for name, number in wanted.items() if 1 <= number <= pages}
