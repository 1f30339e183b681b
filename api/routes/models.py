"""The models that jobs can name."""

import logging
from collections.abc import Iterator
from pathlib import Path

from fastapi import APIRouter

from api.context import Ctx, Reader
from api.schemas import ModelList, ModelOut
from core.settings import Settings
from model.artifact import LATEST, Artifact, ArtifactError, aliased_version, artifact_folders, find_artifact

log = logging.getLogger(__name__)
router = APIRouter(prefix="/v1/models", tags=["models"])


@router.get("")
def list_models(context: Ctx, key: Reader) -> ModelList:
    """Every version that is served, with its labels, its input and what it measured on its test split."""
    settings = context.settings
    return ModelList(data=[_model(artifact, settings) for artifact in _served(settings.artifacts_dir)])


def _served(root: Path) -> Iterator[Artifact]:
    """One folder that is no model hides itself, not the others."""
    for folder in artifact_folders(root):
        try:
            yield find_artifact(root, folder.parent.name, folder.name)
        except ArtifactError as trouble:
            log.warning("%s is not served: %s", folder, trouble)


def _model(artifact: Artifact, settings: Settings) -> ModelOut:
    manifest = artifact.manifest
    latest = aliased_version(settings.artifacts_dir, manifest.name) == manifest.version
    return ModelOut(
        name=manifest.name,
        version=manifest.version,
        precisions=list(manifest.precisions),
        labels=list(manifest.labels),
        input=dict(vars(manifest.input)),
        metrics=dict(manifest.metrics),
        aliases=[LATEST] if latest else [],
        default=latest and manifest.name == settings.default_model,
    )
