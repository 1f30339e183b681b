"""The models that jobs can name."""

import logging
from collections.abc import Iterator
from pathlib import Path

from fastapi import APIRouter

from api.authentication import Reader
from api.context import Ctx
from api.reference.responses import errors
from api.schemas.models import ModelList, ModelOut
from core.settings import Settings
from model.artifact import LATEST, Artifact, ArtifactError, aliased_version, artifact_folders, find_artifact

log = logging.getLogger(__name__)
router = APIRouter(prefix="/v1/models", tags=["models"])


@router.get("", summary="List models", response_description="Every served version.", responses=errors())
def list_models(context: Ctx, key: Reader) -> ModelList:
    """List every model version that is served, with its labels, its input and its metrics on the test split."""
    settings = context.settings
    return ModelList(data=[_model(artifact, settings) for artifact in _readable_artifacts(settings.artifacts_dir)])


def _readable_artifacts(root: Path) -> Iterator[Artifact]:
    """Yield every version with a well-formed manifest; a malformed one is logged and does not hide the others."""
    for folder in artifact_folders(root):
        try:
            yield find_artifact(root, folder.parent.name, folder.name)
        except ArtifactError as failure:
            log.warning("%s is not served: %s", folder, failure)


def _model(artifact: Artifact, settings: Settings) -> ModelOut:
    manifest = artifact.manifest
    is_latest = aliased_version(settings.artifacts_dir, manifest.name) == manifest.version
    return ModelOut.of(
        artifact,
        aliases=[LATEST] if is_latest else [],
        default=is_latest and manifest.name == settings.default_model,
    )
