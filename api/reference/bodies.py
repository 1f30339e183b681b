"""Bodies that are not JSON, as the API reference declares them: uploads, pictures, archives."""

from collections.abc import Mapping

Schema = dict[str, object]

BINARY: Schema = {"type": "string", "format": "binary"}

FORM_OF_FILES: Schema = {
    "type": "object",
    "required": ["files"],
    "properties": {
        "files": {
            "type": "array",
            "minItems": 1,
            "items": BINARY,
            "description": "The images, in order; the field may have any name. A ZIP is unpacked in its place.",
        }
    },
}

FORM_OF_ONE_FILE: Schema = {
    "type": "object",
    "required": ["file"],
    "properties": {"file": BINARY | {"description": "The image; the field may have any name."}},
}


def content(media_type: str, *, description: str) -> Schema:
    """Return the `content` of a response that is a file of this media type."""
    return {media_type: {"schema": BINARY | {"description": description}}}


def request_body(description: str, forms: Mapping[str, Schema]) -> Schema:
    """Return an operation's declaration of a required body, which has one of these media types, each with a schema."""
    contents = {media_type: {"schema": schema} for media_type, schema in forms.items()}
    return {"requestBody": {"required": True, "description": description, "content": contents}}


JOB_BODY = request_body(
    "The images: a form of files, or one ZIP.",
    {
        "multipart/form-data": FORM_OF_FILES,
        "application/zip": BINARY | {"description": "A ZIP of images, stored or deflated, not encrypted."},
    },
)

IMAGE_BODY = request_body(
    "The image: a form with one file, or its bytes.",
    {
        "multipart/form-data": FORM_OF_ONE_FILE,
        "image/*": BINARY | {"description": "The image's bytes; their format is recognized by content."},
    },
)
