"""How much each benchmark measures."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """The sizes of one run of the suite; the defaults are those of a full run."""

    mode: str = "full"
    pairs: int = 5
    engine_images: int = 2_048
    bulk_images: int = 10_000
    baseline_images: int = 200
    photos: int = 64
    predict_requests: int = 100
    loaded_predict_requests: int = 200
    archive_images: int = 10_000
    archive_pairs: int = 3
    upload_mib: int = 1_024
    long_job_images: int = 100_000
    short_job_images: int = 1_000
    queued_images: int = 5_000
    peer_images: int = 10_000
    single_image_jobs: int = 1_000
    contended_shards: int = 1_000
    claiming_processes: tuple[int, ...] = (1, 4, 16)
    settle_s: float = 11.0
    gpu_s: float = 10.0


QUICK = Sizes(
    mode="quick",
    pairs=2,
    engine_images=256,
    bulk_images=1_000,
    baseline_images=12,
    photos=4,
    predict_requests=20,
    loaded_predict_requests=40,
    archive_images=500,
    archive_pairs=1,
    upload_mib=32,
    long_job_images=2_000,
    short_job_images=300,
    queued_images=600,
    peer_images=500,
    single_image_jobs=200,
    contended_shards=50,
    claiming_processes=(1, 2),
    settle_s=1.0,
    gpu_s=2.0,
)
"""Small sizes, which show that every benchmark works, not how fast Batchlight is."""
