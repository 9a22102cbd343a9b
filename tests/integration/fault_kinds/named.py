"""Which kind of fault a test is named after."""

from ops.sandbox.jurnal import FaultKind

# What a test plans by hand and gives no kind: it is no kind of its own.
KINDS = [kind for kind in FaultKind if kind is not FaultKind.PLANNED]


def kind_of(test_name: str) -> FaultKind | None:
    """Return the kind whose word follows `test_` in the name of a test."""
    named = [kind for kind in KINDS if test_name.startswith(f"test_{kind.value}_")]
    return max(named, key=lambda kind: len(kind.value), default=None)
