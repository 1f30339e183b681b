"""The model versions that a worker process keeps loaded, because each job uses the version it was submitted with."""

from collections import OrderedDict

from billiard import current_process

from core.db.tables import Job
from core.settings import Settings
from model.artifact import Artifact, find_artifact
from model.engines.interface import Engine
from model.engines.load import load_engine

Version = tuple[str, str, str]
"""Name, version, precision."""


class ModelCache:
    """Loads model versions on first use, verifies their digests, and keeps the most recently used ones."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._loaded: OrderedDict[Version, tuple[Artifact, Engine]] = OrderedDict()

    def get(self, job: Job) -> tuple[Artifact, Engine]:
        """Return the job's model version and its warm engine; raises ArtifactError or EngineUnavailable."""
        version = job.model_name, job.model_version, job.precision
        if version not in self._loaded:
            self._loaded[version] = self._load(*version)
        self._loaded.move_to_end(version)
        while len(self._loaded) > self._settings.loaded_models:
            self._loaded.popitem(last=False)
        return self._loaded[version]

    def warm_up(self) -> None:
        """Load the default model, so that its first job does not wait; raises ArtifactError or EngineUnavailable."""
        artifact = find_artifact(self._settings.artifacts_dir, self._settings.default_model)
        manifest = artifact.manifest
        version = manifest.name, manifest.version, next(iter(manifest.precisions))
        self._loaded[version] = self._load(*version)

    def _load(self, name: str, version: str, precision: str) -> tuple[Artifact, Engine]:
        artifact = find_artifact(self._settings.artifacts_dir, name, version)
        engine = load_engine(
            artifact,
            precision=precision,
            engine=self._settings.engine,
            threads=self._settings.engine_threads,
            batch_size=self._settings.batch_size,
            device=child_number(),
        )
        engine.warm_up()
        return artifact, engine


def child_number() -> int:
    """Return this child's number in its worker's pool, so that each child has a GPU; its successor takes it over."""
    return int(getattr(current_process(), "index", 0))
