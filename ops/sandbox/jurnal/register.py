"""Records of one kind, found by id, name (a document's number) and custom_id."""

from collections.abc import Iterator
from typing import Generic, TypeVar

from ops.sandbox.jurnal.records import Record

R = TypeVar("R", bound=Record)


class Register(Generic[R]):
    """The live records of one kind in the order they were made. A deleted record frees its keys."""

    def __init__(self, first_number: int = 10_001) -> None:
        self._by_id: dict[int, R] = {}
        self._by_name: dict[str, dict[int, R]] = {}
        self._by_custom_id: dict[str, dict[int, R]] = {}
        self._next_number = first_number

    def __iter__(self) -> Iterator[R]:
        return iter(self._by_id.values())

    def __len__(self) -> int:
        return len(self._by_id)

    def add(self, record: R) -> R:
        """Keep a record."""
        self._by_id[record.id] = record
        self._by_name.setdefault(record.name, {})[record.id] = record
        if record.custom_id is not None:
            self._by_custom_id.setdefault(record.custom_id, {})[record.id] = record
        return record

    def remove(self, record: R) -> None:
        """Forget a record."""
        del self._by_id[record.id]
        self._forget_keys(record)

    def _forget_keys(self, record: R) -> None:
        del self._by_name[record.name][record.id]
        if record.custom_id is not None:
            del self._by_custom_id[record.custom_id][record.id]

    def replace(self, record: R, successor: R) -> R:
        """Put a record with the same id in another's place; its place in the order stays."""
        assert record.id == successor.id, "a successor has its predecessor's id"
        self._forget_keys(record)
        return self.add(successor)

    def rename(self, record: R, name: str, custom_id: str | None) -> None:
        """Give a record other keys; its place in the order stays."""
        self._forget_keys(record)
        record.name, record.custom_id = name, custom_id
        self.add(record)

    def get(self, record_id: int) -> R | None:
        """Find by id."""
        return self._by_id.get(record_id)

    def named(self, name: str) -> R | None:
        """Find by name or number, matched exactly; the oldest when several share it."""
        return next(iter(self._by_name.get(name, {}).values()), None)

    def keyed(self, custom_id: str) -> R | None:
        """Find by custom_id; the oldest when several share it."""
        return next(iter(self._by_custom_id.get(custom_id, {}).values()), None)

    def at(self, key: str) -> R | None:
        """Find what a path names: an id when it is all digits and known, else a custom_id."""
        found = self.get(int(key)) if key.removeprefix("-").isdecimal() else None
        return self.keyed(key) if found is None else found

    def free_number(self) -> str:
        """Return the next automatic number that no record carries."""
        while self.named(str(self._next_number)) is not None:
            self._next_number += 1
        return str(self._next_number)
