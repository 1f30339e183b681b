"""Every setting of the server, read from the environment (`BATCHLIGHT_…`) in this one place."""

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
"""Within what a plain ZIP holds: 65,535 entries, 4 GiB with the index."""


class Settings(BaseSettings):
    """One field per setting; the README's table is tested against these fields."""

    model_config = SettingsConfigDict(env_prefix="BATCHLIGHT_", extra="ignore")

    database_url: str = Field(description="SQLAlchemy URL: `sqlite:////path` or `postgresql+psycopg://…`")
    redis_url: SecretStr = Field(description="Redis that carries the bells: `redis://:password@host:port/0`")
    storage_dir: Path = Field(description="Folder for shards, overlays and archives, shared by API and workers")
    artifacts_dir: Path = Field(default=ROOT / "artifacts", description="Folder of the model artifacts")
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
    sweep_s: Seconds = Field(default=3, description="How often the sweep looks for what was lost, in seconds")
    shard_limit_s: Positive = Field(default=300, description="Time after which a shard's process is killed, in seconds")
    stall_s: Seconds = Field(
        default=60, description="How long a worker may hear nothing of work that waits before it ends, in seconds"
    )
    child_memory_bytes: Positive = Field(
        default=4096 * MIB, description="Memory a worker's process may take; over half of it it is replaced, in bytes"
    )
    max_crashes: Positive = Field(default=3, description="Crashes alone after which an image is given up")

    max_body_bytes: Positive = Field(default=4096 * MIB, description="Largest request body, in bytes")
    max_image_bytes: ShardBytes = Field(default=20 * MIB, description="Largest single image, in bytes")
    max_expanded_bytes: Positive = Field(default=16384 * MIB, description="Most a ZIP may expand to, in bytes")
    upload_idle_s: Seconds = Field(default=60, description="How long an upload may stand still, in seconds")
    max_images_per_request: Positive = Field(default=50_000, description="Most images in one request")
    shard_images: ShardImages = Field(default=256, description="Most images in one shard")
    shard_bytes: ShardBytes = Field(default=32 * MIB, description="Bytes after which a shard is closed")
    interactive_images: Positive = Field(default=8, description="Jobs up to this size go to the interactive lane")

    predict_wait_s: Seconds = Field(default=30, description="How long `/predict` waits before it answers 202")
    predict_retention_s: Seconds = Field(default=3600, description="How long a `/predict` result is kept")
    job_retention_s: Seconds = Field(default=30 * 86400, description="How long a job's results are kept")

    failpoints: Path | None = Field(default=None, description="Only for tests of faults: the folder that names them")


@cache
def settings() -> Settings:
    """The settings of this process, read once."""
    return Settings()
