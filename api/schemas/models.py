"""Models: the versions that are served, and the version that a job runs on."""

from pydantic import Field

from api.schemas.described import Described
from model.artifact import Artifact


class ModelRef(Described):
    """The model version and precision that a job is pinned to."""

    name: str = Field(examples=["fashion-mnist"])
    """The model's name."""

    version: str = Field(examples=["1.1.0"])
    """The version; it never changes once published."""

    precision: str = Field(examples=["fp32"])
    """The precision of the version's graph that runs."""


class RanModel(ModelRef):
    """The model version and precision that made a prediction, and the engine that ran it."""

    engine: str | None = Field(examples=["onnx"])
    """The inference engine, such as `onnx` or `keras`; null if the shard failed before one was chosen."""


class ModelInput(Described):
    """The input of a model, and how it is made from an image."""

    height: int
    """Height of the input in pixels."""

    width: int
    """Width of the input in pixels."""

    color: str = Field(examples=["RGB"])
    """Order of the color channels."""

    resize: str = Field(examples=["bilinear"])
    """Interpolation by which the image is resized."""

    aspect: str = Field(examples=["stretch"])
    """What happens to the aspect ratio: `stretch` ignores it."""

    orientation: str = Field(examples=["exif"])
    """What decides which side is up: `exif` obeys the image's EXIF orientation."""

    background: str = Field(examples=["black"])
    """The color behind transparent pixels."""


class ModelOut(Described):
    """A model version that jobs can name."""

    name: str = Field(examples=["fashion-mnist"])
    """The model's name."""

    version: str = Field(examples=["1.1.0"])
    """The version; it never changes once published."""

    precisions: list[str] = Field(examples=[["fp32", "int8"]])
    """The precisions that the version has a graph for; the first runs if a job names none."""

    labels: list[str]
    """The classes, in the order of the model's outputs."""

    input: ModelInput
    """How an image becomes the model's input."""

    metrics: dict[str, dict[str, int | float]] = Field(examples=[{"fp32": {"accuracy": 0.953}}])
    """What was measured on the test split, by precision."""

    aliases: list[str] = Field(examples=[["latest"]])
    """The aliases that name this version now."""

    default: bool
    """Whether a job that names no model gets this version."""

    @classmethod
    def of(cls, artifact: Artifact, *, aliases: list[str], default: bool) -> "ModelOut":
        manifest = artifact.manifest
        return cls(
            name=manifest.name,
            version=manifest.version,
            precisions=list(manifest.precisions),
            labels=list(manifest.labels),
            input=ModelInput.model_validate(manifest.input, from_attributes=True),
            metrics=manifest.metrics,
            aliases=aliases,
            default=default,
        )


class ModelList(Described):
    """Every model version that is served."""

    data: list[ModelOut]
    """The versions, by name, versions ascending."""
