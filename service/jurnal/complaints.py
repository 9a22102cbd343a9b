"""Reading what Jurnal complains of, in any of the shapes its errors come in."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from service.jurnal.reading import UnreadableAnswer, read_json

MESSAGES_MAX = 10
MESSAGE_CHARACTERS_MAX = 200
_WRAPPERS = ("error_full_messages", "errors", "error", "message")
_NO_FIELDS = frozenset({*_WRAPPERS, "error_type", "id", "status"})
_FIELD = re.compile(r"[a-z0-9_.]{1,60}")


class Complaint(msgspec.Struct, frozen=True, kw_only=True):
    """A refusal's parts. `fields` are the attributes it names, `jurnal_id` the record that is in the way."""

    is_json: bool
    fields: tuple[str, ...] = ()
    messages: tuple[str, ...] = ()
    jurnal_id: int | None = None

    def says(self, pattern: re.Pattern[str]) -> bool:
        """Tell whether a message has the words: a hint only, Jurnal speaks two languages."""
        return any(pattern.search(message) for message in self.messages)


def read_complaint(body: bytes) -> Complaint:
    """Return what can be read; an empty or non-JSON body has no parts."""
    try:
        answer = read_json(body)
    except UnreadableAnswer:
        return Complaint(is_json=False)
    if not isinstance(answer, dict):
        return Complaint(is_json=True, messages=_cut(_texts(answer)))
    fields = tuple(key for key in answer if key not in _NO_FIELDS and _FIELD.fullmatch(key))
    general = [text for wrapper in _WRAPPERS for text in _texts(answer.get(wrapper))]
    named = [f"{field}: {text}" for field in fields for text in _texts(answer[field])]
    # The full messages repeat those of the fields in sentences.
    messages = general if answer.get("error_full_messages") else [*general, *named]
    jurnal_id = answer.get("id")
    is_id = isinstance(jurnal_id, int) and not isinstance(jurnal_id, bool)
    return Complaint(
        is_json=True, fields=fields[:MESSAGES_MAX], messages=_cut(messages), jurnal_id=jurnal_id if is_id else None
    )


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part)
    elif isinstance(value, dict):
        for part in value.values():
            yield from _texts(part)


def _cut(messages: Any) -> tuple[str, ...]:
    unique = dict.fromkeys(" ".join(message.split())[:MESSAGE_CHARACTERS_MAX] for message in messages)
    return tuple(unique)[:MESSAGES_MAX]
