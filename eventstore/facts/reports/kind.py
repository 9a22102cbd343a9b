"""What the ledger must know of a kind of report before the first one is stored."""

from collections.abc import Mapping

import msgspec

from eventstore.personal import ClearPaths


class ReportKind(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of iSeller report.

    `id_field` names the object's own id and `stream_prefix` + id its stream. `clear` are the paths that may stand in
    clear; a value under a `persons` prefix belongs to the person whose id stands in that field, every other value to
    the object itself. `identity_fields` is set for kinds whose source id is made of fields instead of a digest;
    `immutable_fields` may then never differ under one source id, and `identity_spellings` are the words of such a
    field, in lower case, that mean one. `utc_fields` are normalised before the digest.
    """

    name: str
    fact_type: str
    schema_version: int
    struct: type[msgspec.Struct]
    id_field: str
    stream_prefix: str
    clear: ClearPaths
    persons: Mapping[str, str] = {}
    identity_fields: tuple[str, ...] = ()
    immutable_fields: tuple[str, ...] = ()
    identity_spellings: Mapping[str, Mapping[str, str]] = {}


def prefixed(prefix: str, *names: str) -> tuple[str, ...]:
    """Return `prefix.name` for each name."""
    return tuple(f"{prefix}.{name}" for name in names)
