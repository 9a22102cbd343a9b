"""The route table and its description: OpenAPI 3.1, made from the same endpoints the routes are made from."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import msgspec
from aiohttp import web

from service.api.responses import Problem

_REFERENCE = "#/components/schemas/{name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One method on one path. `answers` maps status to Struct (None: any JSON); `refusals` answer a `Problem`."""

    method: str
    path: str
    name: str
    summary: str
    handler: Callable[[web.Request], Awaitable[web.Response]]
    answers: Mapping[int, type[msgspec.Struct] | None] = field(default_factory=dict)
    refusals: tuple[int, ...] = ()
    query: type[msgspec.Struct] | None = None
    body: type[msgspec.Struct] | None = None


def openapi(endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    """Return the OpenAPI 3.1 document of `endpoints`."""
    kinds: dict[type[msgspec.Struct], None] = {Problem: None}
    for endpoint in endpoints:
        kinds.update(dict.fromkeys(kind for kind in (*endpoint.answers.values(), endpoint.body) if kind is not None))
    _, schemas = msgspec.json.schema_components(list(kinds), ref_template=_REFERENCE)
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint)
    return {
        "openapi": "3.1.0",
        "info": {"title": "jurnalsync", "version": "1"},
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
            "schemas": schemas,
        },
    }


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    responses = {str(status): _answer(status, kind) for status, kind in endpoint.answers.items()}
    responses |= {str(status): _refusal(status) for status in sorted({401, 503, *endpoint.refusals})}
    operation: dict[str, Any] = {
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "parameters": [*_path_parameters(endpoint.path), *_query_parameters(endpoint.query)],
        "responses": responses,
    }
    if endpoint.body is not None:
        operation["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": _reference(endpoint.body)}},
        }
    return operation


def _answer(status: int, kind: type[msgspec.Struct] | None) -> dict[str, Any]:
    schema = {"type": "object"} if kind is None else _reference(kind)
    return {"description": HTTPStatus(status).phrase, "content": {"application/json": {"schema": schema}}}


def _refusal(status: int) -> dict[str, Any]:
    content = {"application/problem+json": {"schema": _reference(Problem)}}
    return {"description": HTTPStatus(status).phrase, "content": content}


def _path_parameters(path: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", path)
    ]


def _query_parameters(query: type[msgspec.Struct] | None) -> list[dict[str, Any]]:
    if query is None:
        return []
    schema = msgspec.json.schema_components([query], ref_template=_REFERENCE)[1][query.__name__]
    return [
        {"name": name, "in": "query", "required": False, "schema": _without_null(described)}
        for name, described in schema["properties"].items()
    ]


def _without_null(described: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a query parameter: left out, it is absent, never null."""
    kept = {key: value for key, value in described.items() if not (key == "default" and value is None)}
    if "enum" in kept:
        kept["enum"] = [value for value in kept["enum"] if value is not None]
    if "anyOf" in kept:
        (kind,) = (option for option in kept.pop("anyOf") if option != {"type": "null"})
        kept |= kind
    return kept


def _reference(kind: type[msgspec.Struct]) -> dict[str, str]:
    return {"$ref": _REFERENCE.format(name=kind.__name__)}
