"""From a body to a draft of its fact, and from the draft to the fact with every personal value sealed."""

from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from hashlib import sha256

import msgspec

from eventstore.event import NewFact
from eventstore.facts.canonical import source_id
from eventstore.facts.incidents import PayloadUnreadable
from eventstore.facts.registry import REPORT_KINDS, encode
from eventstore.facts.reports.kind import ReportKind
from eventstore.keyring import Keyring
from eventstore.personal import (
    TOKEN_PREFIX,
    ClearPaths,
    Span,
    UnreadableBody,
    cut_at_strings,
    find_personal,
    seal_spans,
    token,
)
from service.iseller.strict_read import ReadReport, is_thin, one_case, read_strictly

_INCIDENT_CLEAR = ClearPaths("kind", "field", "reason")
# In a digest every value of an erased person is the same: one-off tokens would make each repeat a new fact.
_ERASED_TOKEN = f'"{TOKEN_PREFIX}erased"'.encode()


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """A fact before its personal values are sealed; `persons[i]` is the mark of the owner of `spans[i]`.

    `object_id` is set for a report, `source_id` with `field` and `reason` for a body that cannot be read.
    """

    kind: ReportKind
    stream_id: str
    type: str
    schema_version: int
    body: bytes
    spans: list[Span]
    persons: list[bytes]
    object_id: str = ""
    source_id: str = ""
    thin: bool = False
    field: str = ""
    reason: str = ""


def draft(keyring: Keyring, store_id: str, kind: ReportKind, body: bytes) -> Draft:
    """Read `body` strictly; what cannot be read becomes a draft of `PayloadUnreadable`."""
    try:
        read = read_strictly(kind, body)
    except UnreadableBody as unreadable:
        return _unreadable(keyring, store_id, kind, body, unreadable)
    return Draft(
        kind=kind,
        stream_id=kind.stream_prefix + read.object_id,
        type=kind.fact_type,
        schema_version=kind.schema_version,
        body=body,
        spans=read.personal,
        persons=_persons(keyring, store_id, kind, read),
        object_id=read.object_id,
        thin=is_thin(read.report),
    )


def sealed_fact(
    drafted: Draft,
    data_keys: Mapping[bytes, bytes],
    erased: frozenset[bytes],
    *,
    store_id: str,
    observed_at: datetime,
    metadata: bytes,
) -> NewFact:
    """Return the fact to append. `erased` are the persons whose data key is a one-off."""
    body, sealed = seal_spans(drafted.body, drafted.spans, drafted.persons, data_keys, store_id=store_id)
    identity = drafted.source_id or _source_id(
        drafted.kind, _for_digest(body, drafted, data_keys, erased), drafted.object_id
    )
    return NewFact(
        stream_id=drafted.stream_id,
        type=drafted.type,
        schema_version=drafted.schema_version,
        source_id=identity,
        observed_at=observed_at,
        body=body,
        sealed=sealed,
        metadata=metadata,
    )


def original_payload(unsealed: bytes) -> bytes:
    """Return the exact bytes that came in from an unsealed `PayloadUnreadable` body."""
    return b64decode(msgspec.json.decode(unsealed, type=PayloadUnreadable).payload, validate=True)


def person_of(kind: ReportKind, path: str) -> str | None:
    """Return the id field of the person whose value stands at `path` (longest prefix), None for the object itself."""
    prefixes: Sequence[str] = [prefix for prefix in kind.persons if path.startswith(prefix)]
    return kind.persons[max(prefixes, key=len)] if prefixes else None


@lru_cache(maxsize=10_000)
def _owner(kind_name: str, path: str) -> str | None:
    return person_of(REPORT_KINDS[kind_name], path)


def _persons(keyring: Keyring, store_id: str, kind: ReportKind, read: ReadReport) -> list[bytes]:
    """Return the mark of the owner of each personal value."""
    marks: dict[str | None, bytes] = {}
    persons = []
    for span in read.personal:
        id_field = _owner(kind.name, span.path)
        if (mark := marks.get(id_field)) is None:
            mark = marks[id_field] = keyring.mark(store_id, _person(kind, read, id_field))
        persons.append(mark)
    return persons


def _person(kind: ReportKind, read: ReadReport, id_field: str | None) -> str:
    person_id = None if id_field is None else read.document.get(id_field)
    if id_field is None or not person_id or not isinstance(person_id, (str, int)):
        return f"{kind.name}:{read.object_id}"
    return f"{id_field.removesuffix('_id')}:{one_case(str(person_id))}"


def _source_id(kind: ReportKind, body: bytes, object_id: str) -> str:
    return ":".join(one_case(part) for part in source_id(kind, body, object_id).split(":"))


def _unreadable(keyring: Keyring, store_id: str, kind: ReportKind, body: bytes, unreadable: UnreadableBody) -> Draft:
    # Keyed: an unkeyed digest of a body could be tried against guesses of what stands in it.
    digest = keyring.mark(store_id, f"unreadable:{sha256(body).hexdigest()}").hex()
    fact = PayloadUnreadable(
        kind=kind.name, field=unreadable.field, reason=unreadable.reason, payload=b64encode(body).decode("ascii")
    )
    name, version, wrapper = encode(fact)
    spans = find_personal(cut_at_strings(wrapper), msgspec.json.decode(wrapper), _INCIDENT_CLEAR)
    return Draft(
        kind=kind,
        stream_id=f"unreadable-{digest}",
        type=name,
        schema_version=version,
        body=wrapper,
        spans=spans,
        persons=[keyring.mark(store_id, f"unreadable-body:{digest}")] * len(spans),
        source_id=f"unreadable:{kind.name}:{digest}",
        field=unreadable.field,
        reason=unreadable.reason,
    )


def _for_digest(body: bytes, drafted: Draft, data_keys: Mapping[bytes, bytes], erased: frozenset[bytes]) -> bytes:
    for span, person in zip(drafted.spans, drafted.persons, strict=True) if erased else ():
        if person in erased:
            one_off = token(data_keys[person], span.path, drafted.body[span.start : span.end])
            body = body.replace(one_off, _ERASED_TOKEN)
    return body
