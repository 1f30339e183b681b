"""Finds the model version that a new job is pinned to."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from core.errors import Malformed
from model.artifact import Artifact, ArtifactError, find_artifact

NAME = "[A-Za-z0-9][A-Za-z0-9._-]*"
MODEL_SPEC = re.compile(f"({NAME})(?:/({NAME}))?(?:/({NAME}))?")

MAX_AGE_S = 1.0
"""How long a manifest is used before it is read again: a version never changes, but the alias `latest` does."""

MAX_SHOWN_SPEC_LENGTH = 200


@dataclass(frozen=True)
class PinnedModel:
    """The model version and precision that run a job, whichever version `latest` names later."""

    name: str
    version: str
    precision: str


class ModelCatalog:
    """The published model versions in a folder. Each manifest is read once every MAX_AGE_S at most.

    It keeps only what exists: one manifest per published version and one per alias.
    """

    def __init__(self, folder: Path, *, default_model: str, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._default_model = default_model
        self._clock_s = clock_s
        self._read_at: dict[tuple[str, str | None], tuple[float, Artifact]] = {}

    def pin(self, spec: str | None) -> PinnedModel:
        """Return the model of this spec (`name`, `name/version`, `name/version/precision`), or the default model.

        Raises Malformed (`unknown_model`) if the spec has another form or names what is not published.
        """
        spec = spec or self._default_model
        shown = spec[:MAX_SHOWN_SPEC_LENGTH]
        matched = MODEL_SPEC.fullmatch(spec)
        if matched is None:
            raise _unknown(f"The model {shown!r} is not of the form name, name/version or name/version/precision.")
        name, version, precision = matched.groups()
        try:
            manifest = self._find(name, version).manifest
        except ArtifactError as reason:
            raise _unknown(f"There is no model {shown!r} on this server.") from reason
        precisions = list(manifest.precisions)
        if precision is not None and precision not in precisions:
            raise _unknown(f"There is no {shown!r}: version {manifest.version} has only {', '.join(precisions)}.")
        return PinnedModel(manifest.name, manifest.version, precision or precisions[0])

    def _find(self, name: str, version: str | None) -> Artifact:
        now_s = self._clock_s()
        read_at, artifact = self._read_at.get((name, version), (None, None))
        if artifact is None or read_at is None or now_s - read_at >= MAX_AGE_S:
            artifact = find_artifact(self._folder, name, version)
            self._read_at[name, version] = now_s, artifact
        return artifact


def _unknown(reason: str) -> Malformed:
    return Malformed(f"{reason} GET /v1/models lists the models.", code="unknown_model")
