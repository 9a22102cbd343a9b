"""Reading one report strictly, pure: what passes here can be stored, digested and folded without surprises.

A reason given here names declared fields only and never a value: it stands in clear in the ledger.
"""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from itertools import accumulate
from typing import Any

import msgspec

from eventstore.facts.registry import REPORT_KINDS, read_report
from eventstore.facts.reports.kind import ReportKind
from eventstore.facts.reports.orders import OrderReport
from eventstore.personal import Span, UnreadableBody, cut_at_strings, find_personal

WHOLE_BODY = "body"
AMOUNT_IDR_MAX = Decimal(10) ** 15
DECIMAL_PLACES_MAX = 30
ID_CHARACTERS_MAX = 200
NESTING_LEVELS_MAX = 32
PERSONAL_VALUES_MAX = 2_000

# Folds make keys of these, and an index of Postgres takes no key of more than 2,700 bytes: one longer value would
# stop the folding of every store.
_KEYS = frozenset(
    {"sku", "order_reference", "transfer_number", "status", "gateway", "payment_type_name", "outlet_name"}
)
_KEY_ENDS = ("_id", "_outlet_name")
_GUID_CHARACTERS = 36
_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
_DOCUMENT = msgspec.json.Decoder(float_hook=Decimal)
_MISSING = re.compile(r"^Object missing required field `([^`]*)`")
_PLACE = re.compile(r" - at `([^`]*)`$")
# A number has these if it is beyond ±10^15 or has more than 30 decimal places.
_LARGE_NUMBER = re.compile(rb"[0-9]{16}|[0-9][eE]")
_NO_BRACKETS = bytes(set(range(256)).difference(b"{}[]"))
_STEPS = {ord("{"): 1, ord("["): 1, ord("}"): -1, ord("]"): -1}
# U+0000 is valid JSON, but Postgres stores it neither in text nor in jsonb.
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


class ReadReport(msgspec.Struct, frozen=True):
    """A report that was read: its object's id in one case, its meaning, all its fields, and the values to seal."""

    object_id: str
    report: msgspec.Struct
    document: Mapping[str, Any]
    personal: list[Span]


def one_case(id_: str) -> str:
    """Return an id as keys are made of it: a GUID in lower case, for both cases are one object; any other as it is."""
    return id_.lower() if len(id_) == _GUID_CHARACTERS and _GUID.fullmatch(id_) else id_


def read_strictly(kind: ReportKind, body: bytes) -> ReadReport:
    """Read `body` as one report of `kind`. Raises `UnreadableBody` with field and reason."""
    document = _decode(body)
    if not isinstance(document, dict):
        raise UnreadableBody(WHOLE_BODY, "a JSON object is expected")
    pieces = cut_at_strings(body)
    if not _plainly_within_limits(pieces):
        _check_document(kind, document, "", "", 1)
    personal = _find_personal(kind, pieces, document)
    try:
        report = read_report(kind, body)
    except msgspec.ValidationError as error:
        raise _misfit(error) from None
    for path, amount in _amounts_told_as_text(document, report, _AMOUNTS[kind.name], ""):
        _check_number(path, amount)
    for field in dict.fromkeys((kind.id_field, *kind.identity_fields)):
        _check_identity(kind, field, getattr(report, field))
    object_id = getattr(report, kind.id_field)
    assert isinstance(object_id, str)
    return ReadReport(one_case(object_id), report, document, personal)


def is_thin(report: msgspec.Struct) -> bool:
    """Return whether an order came without lines, totals or transactions."""
    return isinstance(report, OrderReport) and (
        report.order_details is None or report.total_amount is None or report.transactions is None
    )


def _decode(body: bytes) -> Any:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        raise UnreadableBody(WHOLE_BODY, "the bytes are not UTF-8") from None
    if b"\\u0000" in body and _NUL.search(body):
        raise UnreadableBody(WHOLE_BODY, "a string holds the character U+0000")
    try:
        return _DOCUMENT.decode(body)
    except msgspec.DecodeError as error:
        # Its text names a byte and a syntax rule, never what stands there.
        raise UnreadableBody(WHOLE_BODY, f"no strict JSON: {error}") from None
    except ArithmeticError:
        raise UnreadableBody(WHOLE_BODY, "a number is beyond ±10^15") from None
    except RecursionError:
        raise UnreadableBody(WHOLE_BODY, f"nested deeper than {NESTING_LEVELS_MAX} levels") from None


def _plainly_within_limits(pieces: list[bytes]) -> bool:
    """Tell from the text alone that `_check_document` would find nothing; most reports need no closer look."""
    structure = b"".join(pieces[::2])
    return (
        max(map(len, pieces[1::2]), default=0) <= ID_CHARACTERS_MAX
        and _LARGE_NUMBER.search(structure) is None
        and _nesting(structure.translate(None, _NO_BRACKETS)) <= NESTING_LEVELS_MAX
    )


def _nesting(brackets: bytes) -> int:
    return len(brackets) // 2 and max(accumulate(map(_STEPS.__getitem__, brackets)))


def _check_document(kind: ReportKind, value: Any, path: str, name: str, level: int) -> None:
    """Check what stands at `path`, under the key `name`."""
    match value:
        case bool() | None:
            return
        case str():
            if len(value) > ID_CHARACTERS_MAX and (name in _KEYS or name.endswith(_KEY_ENDS)):
                raise UnreadableBody(_declared(kind, path), f"this id is longer than {ID_CHARACTERS_MAX} characters")
        case int() | Decimal():
            _check_number(_declared(kind, path), Decimal(value))
        case dict() | list():
            if level > NESTING_LEVELS_MAX:
                raise UnreadableBody(WHOLE_BODY, f"nested deeper than {NESTING_LEVELS_MAX} levels")
            members = value.items() if isinstance(value, dict) else ((None, element) for element in value)
            for key, member in members:
                inner = path if key is None else f"{path}.{key}" if path else key
                _check_document(kind, member, inner, name if key is None else key, level + 1)
        case _:
            raise AssertionError(f"JSON holds no {type(value)}")


def _check_number(field: str, value: Decimal) -> None:
    # Not abs(): it rounds, and overflows on 1e999999999.
    if not value.is_finite() or value.copy_abs() > AMOUNT_IDR_MAX:
        raise UnreadableBody(field, "the number is beyond ±10^15")
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int)
    if -exponent > DECIMAL_PLACES_MAX:
        raise UnreadableBody(field, f"the number has more than {DECIMAL_PLACES_MAX} decimal places")


def _check_identity(kind: ReportKind, field: str, value: object) -> None:
    """Check a field that a stream or a source id is made of; only the first identity field must be there."""
    if value is None and field not in (kind.id_field, *kind.identity_fields[:1]):
        return
    if not isinstance(value, str) or not value.strip():
        raise UnreadableBody(field, "this id is missing or empty")
    if len(value) > ID_CHARACTERS_MAX:
        raise UnreadableBody(field, f"this id is longer than {ID_CHARACTERS_MAX} characters")
    if not value.isprintable():
        raise UnreadableBody(field, "this id holds characters that cannot be printed")


def _find_personal(kind: ReportKind, pieces: list[bytes], document: Mapping[str, Any]) -> list[Span]:
    try:
        personal = find_personal(pieces, document, kind.clear)
    except UnreadableBody as error:
        raise UnreadableBody(_declared(kind, error.field), error.reason) from None
    if len(personal) > PERSONAL_VALUES_MAX:
        raise UnreadableBody(WHOLE_BODY, f"more than {PERSONAL_VALUES_MAX} values are personal or undeclared")
    return personal


def _declared(kind: ReportKind, path: str) -> str:
    """Return the longest declared start of `path`: a key that nobody declared may itself be a person's name."""
    known = kind.clear.scalars | kind.clear.containers | set(kind.struct.__struct_fields__)
    while path and path not in known:
        path = path.rpartition(".")[0]
    return path or WHOLE_BODY


def _misfit(error: msgspec.ValidationError) -> UnreadableBody:
    """Return field and reason of a value that does not fit its Struct; both come from our declarations alone."""
    text = str(error)
    place = _PLACE.search(text)
    names = [] if place is None else re.findall(r"[A-Za-z_]\w*", place[1])
    if (missing := _MISSING.match(text)) is not None:
        names.append(missing[1])
    reason = "this field is missing" if missing is not None else _PLACE.sub("", text)
    return UnreadableBody(".".join(names) or WHOLE_BODY, reason)


class _Amounts(msgspec.Struct, frozen=True):
    """The names under which a Struct holds amounts, and Structs that do."""

    names: tuple[str, ...]
    inner: Mapping[str, "_Amounts"]


def _amounts_of(struct: msgspec.inspect.Type) -> _Amounts:
    assert isinstance(struct, msgspec.inspect.StructType)
    names, inner = [], {}
    for field in struct.fields:
        for type_ in field.type.types if isinstance(field.type, msgspec.inspect.UnionType) else (field.type,):
            if isinstance(type_, msgspec.inspect.DecimalType):
                names.append(field.name)
            elif isinstance(type_, msgspec.inspect.VarTupleType) and isinstance(
                type_.item_type, msgspec.inspect.StructType
            ):
                inner[field.name] = _amounts_of(type_.item_type)
    return _Amounts(tuple(names), inner)


def _amounts_told_as_text(
    fields: Mapping[str, Any], report: msgspec.Struct, amounts: _Amounts, path: str
) -> Iterator[tuple[str, Decimal]]:
    """Yield each amount that stands as text, with its path: numbers were checked, but as text even NaN is taken."""
    for name in amounts.names:
        if type(fields.get(name)) is str and (amount := getattr(report, name)) is not None:
            yield f"{path}{name}", amount
    for name, inner in amounts.inner.items():
        for element, read in zip(fields.get(name) or (), getattr(report, name) or (), strict=False):
            yield from _amounts_told_as_text(element, read, inner, f"{path}{name}.")


_AMOUNTS = {kind.name: _amounts_of(msgspec.inspect.type_info(kind.struct)) for kind in REPORT_KINDS.values()}
