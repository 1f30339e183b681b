"""Every setting of the server, read from the environment (`BATCHLIGHT_…`) here and nowhere else."""

import os
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

ROOT = Path(__file__).resolve().parent.parent
MIB = 1024 * 1024

Positive = Annotated[int, Field(gt=0)]
Seconds = Annotated[float, Field(gt=0)]
ShardImages = Annotated[int, Field(gt=0, le=50_000)]
ShardBytes = Annotated[int, Field(gt=0, le=2048 * MIB)]
"""A shard is a unit of retry: larger ones would cost more time after a crash than they save."""


class Settings(BaseSettings):
    """One field per setting; a test compares the README's table with these fields."""

    model_config = SettingsConfigDict(env_prefix="BATCHLIGHT_", extra="ignore")

    database_url: str = Field(description="SQLAlchemy URL: `sqlite:////path` or `postgresql+psycopg://…`")
    redis_url: SecretStr = Field(description="Redis that carries the notifications: `redis://:password@host:port/0`")
    storage_dir: Path = Field(description="Folder for shards, overlays and archives, shared by API and workers")
    artifacts_dir: Path = Field(default=ROOT / "artifacts", description="Folder of the model versions")
    default_model: str = Field(default="fashion-mnist", description="Model of a job that names none")

    engine: Literal["auto", "onnx", "keras"] = Field(
        default="auto", description="`onnx`, `keras`, or `auto`: `keras` where a GPU is visible, else `onnx`"
    )
    engine_threads: Positive = Field(
        default=1, description="Threads of an inference; with several, or a GPU, as many decode ahead of it"
    )
    batch_size: Positive | None = Field(
        default=None, description="Images inferred together; without it 16 on a CPU, 128 on a GPU"
    )
    loaded_models: Positive = Field(default=2, description="Model versions a worker process keeps loaded")

    lease_s: Seconds = Field(default=12, description="How long a claim lasts without a heartbeat, in seconds")
    heartbeat_s: Seconds = Field(default=4, description="How often a worker renews its lease, in seconds")
    maintenance_interval_s: Seconds = Field(
        default=3, description="How often maintenance looks for lost and expired work, in seconds"
    )
    shard_limit_s: Positive = Field(default=300, description="Time after which a shard's process is killed, in seconds")
    stall_s: Seconds = Field(
        default=60,
        description="How long a worker may receive no notification while work waits before it exits, in seconds",
    )
    child_memory_bytes: Positive = Field(
        default=4096 * MIB,
        description="Memory limit of a worker's child process; a child over half of it is replaced, in bytes",
    )
    max_crashes: Positive = Field(
        default=3, description="Crashes of an image alone in its shard after which it fails as `crashed_worker`"
    )

    max_body_bytes: Positive = Field(default=4096 * MIB, description="Largest request body, in bytes")
    max_image_bytes: ShardBytes = Field(default=20 * MIB, description="Largest single image, in bytes")
    max_expanded_bytes: Positive = Field(
        default=16384 * MIB, description="Largest size that a ZIP may expand to, in bytes"
    )
    upload_idle_s: Seconds = Field(default=60, description="How long an upload may send nothing, in seconds")
    max_images_per_request: Positive = Field(default=50_000, description="Most images in one request")
    shard_images: ShardImages = Field(default=256, description="Most images in one shard")
    shard_bytes: ShardBytes = Field(default=32 * MIB, description="Bytes after which a shard is closed")
    interactive_images: Positive = Field(
        default=8, description="Jobs of up to this many images go to the interactive queue"
    )

    predict_wait_s: Seconds = Field(default=30, description="How long `/predict` waits before it answers 202")
    predict_retention_s: Seconds = Field(default=3600, description="How long a `/predict` result is kept")
    job_retention_s: Seconds = Field(default=30 * 86400, description="How long a job's results are kept")

    failpoints: Path | None = Field(
        default=None, description="For fault tests only: the folder with the actions of failpoints"
    )


RENAMED = {"BATCHLIGHT_SWEEP_S": "BATCHLIGHT_MAINTENANCE_INTERVAL_S"}
"""Settings of earlier versions and their names today."""


@cache
def settings() -> Settings:
    """Return the settings of this process, read once; exits if one is set under a name it had in an earlier version."""
    for old, new in RENAMED.items():
        if old in os.environ:
            raise SystemExit(f"The setting {old} is now called {new}. Set {new}={os.environ[old]} and remove {old}.")
    return Settings()
