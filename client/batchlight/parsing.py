"""From JSON to records and back, driven by the records' own annotations.

Unknown fields are passed over, so that a client outlives a server that has learned more; a field that is
missing or of another type is an `UnexpectedAnswer` that names it.
"""

import dataclasses
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from types import NoneType, UnionType
from typing import TYPE_CHECKING, TypeVar, get_args, get_origin, get_type_hints

from batchlight.errors import UnexpectedAnswer

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Record = TypeVar("Record", bound="DataclassInstance")


def parse(kind: type[Record], document: object, *, where: str = "") -> Record:
    """The record of this kind that the decoded JSON document describes."""
    found = _mapping(document, where or kind.__name__)
    hints = get_type_hints(kind)
    values = {
        field.name: _value(hints[field.name], found[field.name], f"{where}{field.name}")
        for field in dataclasses.fields(kind)
        if field.name in found
    }
    for field in dataclasses.fields(kind):
        if field.name not in values and field.default is dataclasses.MISSING:
            raise UnexpectedAnswer(f"The server's answer has no field {where}{field.name}.")
    return kind(**values)


def _value(hint: object, value: object, where: str) -> object:
    if get_origin(hint) is UnionType:
        return None if value is None else _value(_without_none(hint), value, where)
    if get_origin(hint) is tuple:
        return tuple(_value(get_args(hint)[0], each, f"{where}[]") for each in _list(value, where))
    if get_origin(hint) is Mapping:
        return {name: _value(get_args(hint)[1], each, where) for name, each in _mapping(value, where).items()}
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return parse(hint, value, where=f"{where}.")
    return _scalar(hint, value, where)


def _scalar(hint: object, value: object, where: str) -> object:
    if hint is datetime and isinstance(value, str):
        return _instant(value, where)
    if hint is float and type(value) is int:
        return float(value)
    if hint is object or type(value) is hint:
        return value
    raise _mismatch(where, value)


def _without_none(hint: object) -> object:
    return next(each for each in get_args(hint) if each is not NoneType)


def _list(value: object, where: str) -> list[object]:
    if value is None:
        return []
    if isinstance(value, list):
        return value
    raise _mismatch(where, value)


def _mapping(value: object, where: str) -> dict[str, object]:
    if isinstance(value, dict):
        return value
    raise _mismatch(where, value)


def _instant(text: str, where: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise _mismatch(where, text) from None


def _mismatch(where: str, value: object) -> UnexpectedAnswer:
    return UnexpectedAnswer(f"The server's answer has {value!r:.60} as {where}; this client expects another type.")


def to_json(document: object, *, indent: int | None = None) -> str:
    """JSON text of a record, or of lists and dictionaries of records; instants as RFC 3339 in UTC."""
    return json.dumps(document, default=_plain, indent=indent)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    raise TypeError(f"{type(value).__name__} has no JSON form.")
