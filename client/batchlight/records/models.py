"""Models: which ones the server can run, and which one a job runs on."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelName:
    """The exact model that a job runs on. `str()` of it can be passed as `model=` to `Client.submit`.

    Attributes:
        name: Name of the model, for example `"fashion-mnist"`.
        version: Version of the model, for example `"1.1.0"`.
        precision: Numeric precision of the graph, for example `"fp32"` or `"int8"`.

    Example:
        ```python
        client.submit("photos", model=str(job.model))
        ```
    """

    name: str
    version: str
    precision: str

    def __str__(self) -> str:
        return f"{self.name}/{self.version}/{self.precision}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelUsed(ModelName):
    """The model that made a prediction, and the engine that ran it.

    Attributes:
        engine: Name of the engine, for example `"onnx"`; None if the server did not report it.

    Example:
        ```python
        print(item.model, item.model.engine)
        ```
    """

    engine: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One version of a model that the server can run.

    Attributes:
        name: Name of the model.
        version: Version of the model.
        precisions: Numeric precisions that it can run in, for example `("fp32", "int8")`.
        labels: Names of the classes.
        input: Size and color format of the images that the graph reads.
        metrics: What was measured on test images, by precision.
        aliases: Names that currently refer to this version, for example `("latest",)`.
        default: True if a job that names no model runs on this version.

    Example:
        ```python
        default = next(model for model in client.models() if model.default)
        ```
    """

    name: str
    version: str
    precisions: tuple[str, ...]
    labels: tuple[str, ...]
    input: Mapping[str, object]
    metrics: Mapping[str, object]
    aliases: tuple[str, ...] = ()
    default: bool = False
