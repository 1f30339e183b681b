"""The model versions a worker process keeps loaded, because jobs pin versions."""

from collections import OrderedDict

from billiard import current_process

from core.db.tables import Job
from core.settings import Settings
from model.artifact import Artifact, find_artifact
from model.engines.interface import Engine
from model.engines.load import load_engine

Version = tuple[str, str, str]


class Models:
    """Loads on first use, verifies digests, keeps the most recently used few."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._loaded: OrderedDict[Version, tuple[Artifact, Engine]] = OrderedDict()

    def of(self, job: Job) -> tuple[Artifact, Engine]:
        """The artifact and the warm engine the job pinned; raises ArtifactError."""
        version = job.model_name, job.model_version, job.precision
        if version not in self._loaded:
            self._loaded[version] = self._load(*version)
        self._loaded.move_to_end(version)
        while len(self._loaded) > self._settings.loaded_models:
            self._loaded.popitem(last=False)
        return self._loaded[version]

    def warm_up(self) -> None:
        """Loads what a job that names no model gets, so that the first one does not wait."""
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
    """This child's place in its worker's pool, which a successor takes over, so that each has a GPU of its own."""
    return int(getattr(current_process(), "index", 0))
