"""The parent of all schemas: the text below a field is the field's description in the API reference."""

from pydantic import BaseModel, ConfigDict


class Described(BaseModel):
    """A schema whose fields are described by the text below them."""

    model_config = ConfigDict(use_attribute_docstrings=True)
