"""Reads a table of a set-up file into a Struct, and tells everything that is wrong with its shape at once."""

import types
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, TypeVar, Union, get_args, get_origin

import msgspec

from service.setup_error import SetupError

Shape = TypeVar("Shape", bound=msgspec.Struct)
# What a person knows an entry of a list by.
_LABELS = ("name", "id", "channel", "gateway", "percentage")


def shaped(raw: Mapping[str, Any], kind: type[Shape]) -> Shape:
    """Return `raw` as a `kind`. Raises `SetupError` with a line for each entry that is missing, unknown or wrong."""
    if problems := list(_problems(raw, kind, "")):
        raise SetupError("\n".join(problems))
    return msgspec.convert(raw, kind)


def _problems(raw: Any, kind: Any, entry: str) -> Iterator[str]:
    kind, optional = _present(kind), kind
    if raw is None and kind is not optional:
        return
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        yield from _struct_problems(raw, kind, entry)
    elif get_origin(kind) is tuple:
        yield from _list_problems(raw, get_args(kind)[0], entry)
    elif get_origin(kind) is dict and isinstance(raw, dict):
        for key, value in raw.items():
            yield from _problems(value, get_args(kind)[1], _inside(entry, repr(key)))
    else:
        try:
            msgspec.convert(raw, kind)
        except msgspec.ValidationError as error:
            yield f"{entry}: {str(error).partition(' - at')[0]}"


def _struct_problems(raw: Any, kind: type[msgspec.Struct], entry: str) -> Iterator[str]:
    if not isinstance(raw, dict):
        yield f"{entry or 'the file'}: must be a table"
        return
    # Who makes a setting is told beside it, not in it.
    told = [field for field in msgspec.structs.fields(kind) if msgspec.UnsetType not in get_args(field.type)]
    fields = {field.encode_name: field for field in told}
    for name in raw:
        if name not in fields:
            nearest = get_close_matches(name, fields, n=1)
            hint = f"did you mean {nearest[0]}?" if nearest else f"known are {', '.join(fields)}"
            yield f"{_inside(entry, name)} is unknown; {hint}"
    for name, field in fields.items():
        if name in raw:
            yield from _problems(raw[name], field.type, _inside(entry, name))
        elif field.required:
            yield f"{_inside(entry, name)} is missing; add it"


def _list_problems(raw: Any, kind: Any, entry: str) -> Iterator[str]:
    if not isinstance(raw, list | tuple):
        yield f"{entry}: must be a list"
        return
    for number, element in enumerate(raw, start=1):
        yield from _problems(element, kind, f"{entry} {_label(element, number)}")


def _label(element: Any, number: int) -> str:
    known = element if isinstance(element, dict) else {}
    named = next((known[name] for name in _LABELS if isinstance(known.get(name), str)), None)
    return f"no. {number}" if named is None else f"{named!r}"


def _inside(entry: str, name: str) -> str:
    if not entry:
        return name
    return f"{entry}.{name}" if entry[-1] not in "'\"0123456789" else f"{entry}: {name}"


def _present(kind: Any) -> Any:
    """Return the type of an optional entry that is there."""
    if get_origin(kind) not in (Union, types.UnionType):
        return kind
    there = [option for option in get_args(kind) if option is not type(None)]
    return there[0] if len(there) == 1 else kind
