"""One pure function for each step from an old schema version to the next: (type, old version) → body → body."""

from collections.abc import Callable, Mapping

UPCASTS: Mapping[tuple[str, int], Callable[[bytes], bytes]] = {}
