"""From JSON to records and back, driven by the records' own annotations.

Unknown fields are ignored, so the client keeps working with a server that has added fields. A field that is missing
or has another type raises `UnexpectedResponse`, which names the field's path.
"""

from typing import TypeVar

import msgspec

from batchlight.errors import UnexpectedResponse

T = TypeVar("T")


def parse(kind: type[T], document: bytes, *, source: str) -> T:
    """The record of this kind that the JSON document describes.

    Args:
        kind: Type of the record, for example `Job` or `Page[Item]`.
        document: JSON text in UTF-8.
        source: The address that the document came from, for the error's message.

    Raises:
        UnexpectedResponse: The document is not JSON, or lacks a field, or has a field of another type.
    """
    try:
        return msgspec.json.decode(document, type=kind)
    except msgspec.ValidationError as error:
        raise UnexpectedResponse(
            f"The response of {source} is not what this client expects: {error}. The server and the client may be of"
            " different versions; run `pip install .` in the server's checkout to install its client."
        ) from None
    except ValueError:  # not JSON, or not UTF-8
        raise UnexpectedResponse(f"The response of {source} is not JSON. Is this a Batchlight server?") from None


def to_json(document: object, *, indent: int | None = None) -> str:
    """JSON text of a record, or of lists and dictionaries of records; instants are RFC 3339."""
    text = msgspec.json.encode(document)
    return (text if indent is None else msgspec.json.format(text, indent=indent)).decode()


def to_plain(record: object) -> dict[str, object]:
    """The JSON object of a record as a dictionary of strings, numbers, lists and dictionaries."""
    return msgspec.convert(msgspec.to_builtins(record), dict[str, object])
