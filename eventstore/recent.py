"""What this process remembers of what it wrote last, in bounded memory."""

from collections.abc import Iterable, Mapping
from typing import Generic, TypeVar

_Value = TypeVar("_Value")


class Recent(Generic[_Value]):
    """A mapping that forgets its older half when it is full; what is written again counts as new."""

    def __init__(self, entries_max: int) -> None:
        self._half = entries_max // 2
        self._newer: dict[str, _Value] = {}
        self._older: dict[str, _Value] = {}

    def __contains__(self, key: str) -> bool:
        """Tell whether `key` is remembered."""
        return key in self._newer or key in self._older

    def __len__(self) -> int:
        """Count what is remembered; what was written again counts twice until the older half is forgotten."""
        return len(self._newer) + len(self._older)

    def among(self, keys: Iterable[str]) -> dict[str, _Value]:
        """Return what is remembered of `keys`."""
        newer, older = self._newer, self._older
        return {key: newer[key] if key in newer else older[key] for key in keys if key in newer or key in older}

    def remember(self, entries: Mapping[str, _Value]) -> None:
        """Remember `entries`."""
        self._newer.update(entries)
        if len(self._newer) > self._half:
            self._newer, self._older = {}, self._newer

    def forget(self) -> None:
        """Forget everything."""
        self._newer.clear()
        self._older.clear()
