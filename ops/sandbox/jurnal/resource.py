"""What every kind of record offers over HTTP: create, list, show, change, delete, and the checks they share."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, ClassVar, Generic, Literal, TypeVar

from ops.sandbox.jurnal import fields as read
from ops.sandbox.jurnal.company import Company
from ops.sandbox.jurnal.errors import CUSTOM_ID_USED, NUMBER_USED, Refusal, invalid, missing, taken, unprocessable
from ops.sandbox.jurnal.fields import Fields
from ops.sandbox.jurnal.records import Document, Record, Tag
from ops.sandbox.jurnal.register import Register
from ops.sandbox.jurnal.shapes import moment

Json = dict[str, Any]
R = TypeVar("R", bound=Record)
M = TypeVar("M", bound=Record)
SortKey = Callable[[Any], Any]


class Resource(ABC, Generic[R]):
    """One kind of record. `singular` wraps a request; answers may use other words."""

    singular: ClassVar[str]
    plural: ClassVar[str]
    answer_singular: ClassVar[str | None] = None
    answer_plural: ClassVar[str | None] = None
    created_status: ClassVar[int] = 201
    changed_status: ClassVar[int] = 200
    batch_status: ClassVar[int | None] = None
    single_is_wrapped: ClassVar[bool] = True
    list_envelope: ClassVar[Literal["pages", "count", "bare"]] = "pages"
    can_list: ClassVar[bool] = True
    can_change: ClassVar[bool] = False
    can_delete: ClassVar[bool] = True
    needs_inventory: ClassVar[bool] = False
    batch_checks_custom_id: ClassVar[bool] = True
    sort_keys: ClassVar[Mapping[str, SortKey]] = {"created_at": lambda record: (record.created_at, record.id)}

    def __init__(self, company: Company, register: Register[R]) -> None:
        self.company = company
        self.register = register

    @abstractmethod
    def create(self, fields: Fields, *, check_custom_id: bool = True) -> R:
        """Make and keep a record, or raise Refusal with nothing changed."""

    @abstractmethod
    def show(self, record: R) -> Json:
        """Return a record as an answer shows it."""

    def show_made(self, record: R) -> Json:
        """Return a record as the answer to making or changing it shows it."""
        return self.show(record)

    def show_row(self, record: R) -> Json:
        """Return a record as a row of a list shows it."""
        return self.show(record)

    def change(self, record: R, fields: Fields) -> R:
        """Replace what a record says. Raises Refusal."""
        del record, fields
        raise unprocessable()

    def delete(self, record: R) -> None:
        """Take a record out of the company. Raises Refusal when something still needs it."""
        del record
        raise unprocessable()

    def listed(self, query: Mapping[str, str]) -> Iterable[R]:
        """Return the records a list shows for a query, in the order they were made."""
        del query
        return self.register

    def in_order(self, query: Mapping[str, str]) -> list[R]:
        """Return what a list shows in the order asked for, newest first without one. Raises Refusal."""
        key, order = query.get("sort_key", "created_at"), query.get("sort_order", "desc")
        if key not in self.sort_keys:
            raise Refusal(422, {"errors": "Unprocessable Entity"})
        return sorted(self.listed(query), key=self.sort_keys[key], reverse=order != "asc")

    def page_size_max(self) -> int:
        """Return the most rows a page may have."""
        return self.company.settings.page_size_max

    def at(self, key: str, query: Mapping[str, str]) -> R:
        """Find what a path names, or raise the Refusal for a missing record."""
        del query
        found = self.register.at(key)
        if found is None:
            raise missing(self.company.settings.missing_answer)
        return found

    def check_keys(self, custom_id: str | None, number: str | None, *, of: Record | None = None) -> None:
        """Refuse with 409 when another record that the check can see carries the custom_id or the number."""
        clashes: dict[str, str] = {}
        existing: list[R] = []
        by_key = None if custom_id is None else self.register.keyed(custom_id)
        if by_key is not None and by_key is not of and self.company.sees(by_key):
            clashes["custom_id"] = CUSTOM_ID_USED
            existing.append(by_key)
        by_number = None if number is None else self.register.named(number)
        if by_number is not None and by_number is not of and self.company.sees(by_number):
            clashes["transaction_no"] = NUMBER_USED
            existing.append(by_number)
        if clashes:
            raise taken(existing[0].id, clashes)

    def heading(
        self,
        fields: Fields,
        known: Document | None = None,
        *,
        check_custom_id: bool = True,
        number_required: bool = False,
        date_field: str = "transaction_date",
    ) -> dict[str, Any]:
        """Read what every document has: its keys, its date in open books, memo and tags.

        With `known` they are those of its successor, which keeps id, keys and memo when none are sent.
        """
        custom_id, number = read.text(fields, "custom_id"), read.text(fields, "transaction_no")
        if known is not None:
            custom_id, number = custom_id or known.custom_id, number or known.name
        elif number_required:
            number = read.required_text(fields, "transaction_no")
        self.check_keys(custom_id if check_custom_id else None, number, of=known)
        date = read.required_day(fields, date_field)
        self.company.check_open(date, *(() if known is None else (known.transaction_date,)))
        made = self.company.now()
        return {
            "id": self.company.new_id() if known is None else known.id,
            "name": number or self.register.free_number(),
            "custom_id": custom_id,
            "created_at": made if known is None else known.created_at,
            "updated_at": made,
            "transaction_date": date,
            "memo": known.memo if known is not None and "memo" not in fields else read.text(fields, "memo"),
            "tags": self.tags(fields),
        }

    def line_id(self, row: Fields, known: Collection[int], label: str) -> int:
        """Return the id of a line: the one sent, which must be among the known ones, else a new one."""
        sent = read.text(row, "id")
        if sent is None:
            return self.company.new_id()
        if not sent.isdecimal() or int(sent) not in known:
            raise invalid({label: "is invalid"})
        return int(sent)

    def tags(self, fields: Fields) -> tuple[Tag, ...]:
        """Return the tags a document names; a tag nobody made before is dropped without a word."""
        names = fields.get("tags") or ()
        found = (self.company.tags.named(str(name)) for name in names)
        return tuple(tag for tag in found if tag is not None)

    def reference(self, register: Register[M], fields: Fields, stem: str, message: str) -> M | None:
        """Find the record that <stem>_id or <stem>_name names; None when neither is sent, 422 when it is unknown."""
        found: M | None = None
        for suffix in ("id", "name"):
            key = read.text(fields, f"{stem}_{suffix}")
            if key is None:
                continue
            if suffix == "name":
                named = register.named(key)
            else:
                named = register.get(int(key)) if key.removeprefix("-").isdecimal() else None
            if named is None or (found is not None and named is not found):
                raise invalid({f"{stem}_{suffix}": message.format(key)}, [message.format(key)])
            found = named
        return found


def stamps(record: Record) -> Json:
    """Return the times of a record as answers show them."""
    return {"created_at": moment(record.created_at), "updated_at": moment(record.updated_at), "deleted_at": None}


def shown_tags(document: Document) -> Json:
    """Return a document's tags, null when it has none."""
    rows = [{"id": tag.id, "name": tag.name} for tag in document.tags]
    return {"tags": rows or None, "tags_string": ", ".join(sorted(tag.name for tag in document.tags))}
