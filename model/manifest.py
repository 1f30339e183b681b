"""The manifest of an artifact: the records of `manifest.json`, read and written with the standard library."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

FORMAT = 1
NAME_PATTERN = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
FILE_PATTERN = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}")


_RENAMED_KEYS = {"input": {"colour": "color"}}
"""Keys of earlier manifests by section, with their present names."""


class MalformedManifest(ValueError):
    """Raised when a text is not a manifest of this format; the message says what is wrong with it."""


@dataclass(frozen=True)
class InputContract:
    """The input of the serving graph: uint8 `[N, height, width, 3]`, and how images are prepared for it.

    `orientation` is the source of the orientation, `background` the color behind transparent pixels.
    """

    height: int
    width: int
    color: str = "RGB"
    resize: str = "bilinear"
    aspect: str = "stretch"
    orientation: str = "exif"
    background: str = "black"


@dataclass(frozen=True)
class CamContract:
    """The layer at which the CAM is taken, and the height and width of its grid in cells."""

    layer: str
    height: int
    width: int


@dataclass(frozen=True)
class Precision:
    """One serving graph: its file, the softmax temperature inside it, and its metrics on the test images."""

    graph: str
    temperature: float
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class Provenance:
    """How the weights were made; `commit` is None if they were made outside a repository."""

    seed: int
    commit: str | None
    created_at: str
    libraries: Mapping[str, str]


@dataclass(frozen=True)
class Manifest:
    """The whole of `manifest.json`. `files` maps every other file of the artifact to its SHA-256 in hex."""

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
        """Metrics on the test images, by precision."""
        return {name: dict(precision.metrics) for name, precision in self.precisions.items()}

    def to_json(self) -> str:
        """Return the text of `manifest.json`."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=2, ensure_ascii=False) + "\n"


def parse_manifest(text: str) -> Manifest:
    """Parse the text of a `manifest.json`. Raises MalformedManifest."""
    try:
        raw = json.loads(text)
        if raw.pop("format") != FORMAT:
            raise MalformedManifest(f"this version of Batchlight reads manifests of format {FORMAT} only")
        _refuse_renamed_keys(raw)
        manifest = _build(raw)
    except MalformedManifest:
        raise
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise MalformedManifest(f"manifest.json is malformed: {error}") from error
    _check(manifest)
    return manifest


def _refuse_renamed_keys(raw: dict[str, Any]) -> None:
    for section, renamed in _RENAMED_KEYS.items():
        for old, new in renamed.items():
            if old in raw[section]:
                raise MalformedManifest(f"manifest.json: {section}.{old} is now {section}.{new}; rename the key")


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
            raise MalformedManifest(
                f"{part!r} is not a valid name or version; use at most 64 of a-z, 0-9, dot, _ and -"
            )
    for file in manifest.files:
        if not FILE_PATTERN.fullmatch(file):
            raise MalformedManifest(f"{file!r} is not a plain file name")
    if len(manifest.labels) < 2 or not all(isinstance(label, str) for label in manifest.labels):
        raise MalformedManifest("a model needs at least two labels")
    for precision in manifest.precisions.values():
        if precision.graph not in manifest.files:
            raise MalformedManifest(f"the graph {precision.graph!r} is not listed under files")
