"""What an artifact says of itself: the records of `manifest.json`, read and written with the standard library."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

FORMAT = 1
NAME_PATTERN = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
FILE_PATTERN = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")


class MalformedManifest(ValueError):
    """The text is no manifest of this format; the message says what is wrong with it."""


@dataclass(frozen=True)
class InputContract:
    """What the serving graph takes: uint8 `[N, height, width, 3]`, made from a picture as the fields say."""

    height: int
    width: int
    color: str = "RGB"
    resize: str = "bilinear"
    aspect: str = "stretch"
    orientation: str = "exif"
    background: str = "black"


@dataclass(frozen=True)
class CamContract:
    """Where the CAM is taken and the size of its grid."""

    layer: str
    height: int
    width: int


@dataclass(frozen=True)
class Precision:
    """One serving graph: its file, the temperature inside it, and what was measured of it on the test images."""

    graph: str
    temperature: float
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class Provenance:
    """Where the weights come from; `commit` is None where no repository was at hand."""

    seed: int
    commit: str | None
    created_at: str
    libraries: Mapping[str, str]


@dataclass(frozen=True)
class Manifest:
    """All of `manifest.json`. `files` maps every other file of the artifact to its SHA-256 in hex."""

    name: str
    version: str
    labels: tuple[str, ...]
    input: InputContract
    cam: CamContract
    precisions: Mapping[str, Precision]
    provenance: Provenance
    files: Mapping[str, str]

    @property
    def metrics(self) -> dict[str, dict[str, float]]:
        """What was measured on the test images, by precision."""
        return {name: dict(precision.metrics) for name, precision in self.precisions.items()}

    def to_json(self) -> str:
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=2, ensure_ascii=False) + "\n"


def parse_manifest(text: str) -> Manifest:
    """The manifest in this JSON text. Raises MalformedManifest."""
    try:
        raw = json.loads(text)
        if raw.pop("format") != FORMAT:
            raise MalformedManifest(f"this version of Batchlight reads manifests of format {FORMAT} only")
        manifest = _build(raw)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise MalformedManifest(f"manifest.json is malformed: {error}") from error
    _check(manifest)
    return manifest


def _build(raw: dict[str, Any]) -> Manifest:
    return Manifest(
        name=raw["name"],
        version=raw["version"],
        labels=tuple(raw["labels"]),
        input=InputContract(**raw["input"]),
        cam=CamContract(**raw["cam"]),
        precisions={name: Precision(**fields) for name, fields in raw["precisions"].items()},
        provenance=Provenance(**raw["provenance"]),
        files=dict(raw["files"]),
    )


def _check(manifest: Manifest) -> None:
    for part in (manifest.name, manifest.version):
        if not NAME_PATTERN.fullmatch(part):
            raise MalformedManifest(f"{part!r} is no name or version of a model")
    for file in manifest.files:
        if not FILE_PATTERN.fullmatch(file):
            raise MalformedManifest(f"{file!r} is no plain file name")
    if len(manifest.labels) < 2 or not all(isinstance(label, str) for label in manifest.labels):
        raise MalformedManifest("a model needs at least two labels")
    for precision in manifest.precisions.values():
        if precision.graph not in manifest.files:
            raise MalformedManifest(f"the graph {precision.graph!r} is not among the files")
