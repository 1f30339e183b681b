"""The reference of the HTTP API, made from the OpenAPI document that the server serves."""

import re
from collections.abc import Iterator
from pathlib import Path
from tempfile import gettempdir
from typing import Any

from api.app import create_app
from core.settings import Settings
from docs.hooks.tables import table

Schema = dict[str, Any]

LIMITS = {
    "minimum": "≥ {}",
    "exclusiveMinimum": "> {}",
    "maximum": "≤ {}",
    "exclusiveMaximum": "< {}",
    "minLength": "≥ {} characters",
    "maxLength": "≤ {} characters",
    "minItems": "≥ {} entries",
    "maxItems": "≤ {} entries",
    "pattern": "matches `{}`",
    "default": "default `{}`",
}


def openapi() -> Schema:
    """The API's description of itself. Nothing is connected: the database, Redis and folder named here do not exist."""
    nowhere = Path(gettempdir()) / "batchlight-docs"
    settings = Settings.model_validate(
        {"database_url": f"sqlite:///{nowhere}/db", "redis_url": "redis://127.0.0.1:1/0", "storage_dir": nowhere}
    )
    return create_app(settings).openapi()


def api_reference() -> str:
    """Every route with its parameters, bodies and responses, then every schema with its fields."""
    document = openapi()
    return "\n\n".join([document["info"]["description"].strip(), *_routes(document), "## Schemas", *_schemas(document)])


def _routes(document: Schema) -> Iterator[str]:
    """The routes under a heading for each tag, in the order of the application."""
    routes = [
        (operation.get("tags", ["other"])[0], method.upper(), path, operation)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    ]
    for tag in dict.fromkeys(tag for tag, *_ in routes):
        yield f"## {tag.capitalize()}"
        for other, method, path, operation in routes:
            if other == tag:
                yield from _route(method, path, operation)


def _route(method: str, path: str, operation: Schema) -> Iterator[str]:
    anchor = "-".join(re.findall(r"\w+", f"{method} {path}")).lower()
    yield f"### `{method} {path}` {{ #{anchor} }}"
    yield str(operation.get("description", operation.get("summary", "")))
    if not operation.get("security"):
        yield "Needs no key."
    if parameters := operation.get("parameters"):
        rows = [
            [f"`{one['name']}`", one["in"], type_of(one["schema"]), needed(one.get("required")), one.get("description")]
            for one in parameters
        ]
        yield table(["Parameter", "In", "Type", "", "Meaning"], rows)
    if body := operation.get("requestBody"):
        yield table(["Request body", "Type", "Meaning"], list(_contents(body, "")))
    yield table(["Response", "Body", "Meaning"], list(_responses(operation["responses"])))


def _contents(body: Schema, description: str) -> Iterator[list[str | None]]:
    for media, content in body.get("content", {}).items():
        schema = content.get("schema", {})
        yield [f"`{media}`", type_of(schema), body.get("description", description)]
        for name, field in schema.get("properties", {}).items():
            yield [f"`{media}`: `{name}`", type_of(field), field.get("description", "")]


def _responses(responses: Schema) -> Iterator[list[str | None]]:
    for status, response in responses.items():
        bodies = [
            f"`{media}` {type_of(content.get('schema', {}))}" for media, content in response.get("content", {}).items()
        ]
        yield [status, ", ".join(bodies), response.get("description")]
        for name, header in response.get("headers", {}).items():
            yield [f"{status}, header `{name}`", type_of(header.get("schema", {})), header.get("description")]


def _schemas(document: Schema) -> Iterator[str]:
    for name, schema in sorted(document["components"]["schemas"].items()):
        yield f"### {name} {{ #{name.lower()} }}"
        yield schema.get("description", "")
        if "properties" not in schema:
            yield type_of(schema)
            continue
        required = schema.get("required", [])
        rows = [
            [f"`{field}`", type_of(about), needed(field in required), about.get("description", "")]
            for field, about in schema["properties"].items()
        ]
        yield table(["Field", "Type", "", "Meaning"], rows)


def needed(required: object) -> str:
    return "required" if required else "optional"


def type_of(schema: Schema) -> str:
    """Describe a JSON schema: its type with a link to what it refers to, then its limits and its default."""
    limits = [text.format(schema[key]) for key, text in LIMITS.items() if schema.get(key) is not None]
    return ", ".join([_kind(schema), *limits])


def _kind(schema: Schema) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if variants := schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf"):
        return " or ".join(type_of(variant) for variant in variants)
    if values := schema.get("enum") or ([schema["const"]] if "const" in schema else None):
        return ", ".join(f"`{value}`" for value in values)
    if schema.get("type") == "array":
        return f"list of {type_of(schema.get('items', {}))}"
    if isinstance(schema.get("additionalProperties"), dict):
        return f"object of {type_of(schema['additionalProperties'])}"
    kind = schema.get("type", "any")
    return f"{kind} ({schema['format']})" if "format" in schema else str(kind)
