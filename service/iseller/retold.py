"""A report told again under one source id: whether it says the same, contradicts, or says more; pure."""

from collections.abc import Sequence

import msgspec

from eventstore.event import Fact, NewFact
from eventstore.facts.canonical import canonical_digest, differing_field
from eventstore.facts.reports.kind import ReportKind

_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_UNSAID = (b"null", b'""')


class Contradiction(msgspec.Struct, frozen=True):
    """An immutable field has another value than `original` told."""

    original: Fact
    field: str
    before: str
    after: str


class Addition(msgspec.Struct, frozen=True):
    """A field has a value that nobody told before; `source_id` is made of what the report says."""

    source_id: str


def family(base: NewFact, stream: Sequence[Fact]) -> list[Fact]:
    """Return the facts of `stream` under the source id of `base`: the first one and its additions."""
    digests = f"{base.source_id}:+"
    return [
        fact
        for fact in stream
        if fact.type == base.type and (fact.source_id == base.source_id or fact.source_id.startswith(digests))
    ]


def compare(kind: ReportKind, told: Sequence[Fact], again: NewFact) -> Contradiction | Addition | None:
    """Compare a report with the family `told` before; None if it says nothing new."""
    for original in told:
        difference = differing_field(kind, original.body, again.body)
        if difference is not None:
            return Contradiction(original, *difference)
    said = _said(kind, again.body)
    known = {name for fact in told for name in _said(kind, fact.body)}
    if known.issuperset(said):
        return None
    return Addition(f"{again.source_id}:+{canonical_digest(msgspec.json.encode(said))}")


def _said(kind: ReportKind, body: bytes) -> dict[str, msgspec.Raw]:
    """Return the declared fields that have a value."""
    fields = _FIELDS.decode(body)
    return {
        name: fields[name]
        for name in kind.struct.__struct_fields__
        if name in fields and bytes(fields[name]) not in _UNSAID
    }
