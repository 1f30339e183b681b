"""The target of every benchmark, and the evaluation of results against it."""

from dataclasses import dataclass
from typing import Literal

from bench.harness.results import Measured, Result


@dataclass(frozen=True)
class Target:
    """What a key means, and the bound that its value should keep."""

    meaning: str
    bound: Literal["≥", "≤"]
    limit: float

    @property
    def higher_is_better(self) -> bool:
        return self.bound == "≥"

    def is_met(self, value: float) -> bool:
        return value >= self.limit if self.higher_is_better else value <= self.limit

    def miss(self, value: float) -> float:
        """Return how far a value that misses the target is from it, as a share of the limit."""
        return abs(value - self.limit) / self.limit

    def __str__(self) -> str:
        return f"{self.bound} {self.limit:g}"


TARGETS = {
    "cam_speed_ratio": Target("images/s with the CAM ÷ without it, same engine", "≥", 0.97),
    "bulk_efficiency": Target("bulk images/s of small PNGs ÷ decoding and inference alone", "≥", 0.85),
    "bulk_vs_usual": Target("bulk images/s ÷ a Celery task per image with model.predict and GradientTape", "≥", 50),
    "bulk_vs_litserve": Target("bulk images/s ÷ the same model behind LitServe, 64 clients", "≥", 5),
    "bulk_vs_bentoml": Target("bulk images/s ÷ the same model behind BentoML, 64 clients", "≥", 5),
    "bulk_vs_raydata": Target("bulk images/s ÷ the same model in Ray Data", "≥", 1.1),
    "int8_gain": Target("images/s of the int8 engine ÷ the fp32 engine, both with the CAM", "≥", 1.8),
    "photo_gain": Target("12-megapixel JPEGs/s with scaled decoding ÷ full decoding", "≥", 4),
    "predict_p50_ratio": Target("p50 of an idle /predict ÷ FastAPI with the model in its process", "≤", 3),
    "predict_p99_loaded_ratio": Target("p99 of /predict under full bulk load ÷ idle", "≤", 5),
    "singles_rate": Target("commits/s of one-image jobs, 64 clients ÷ LitServe's responses/s", "≥", 1.0),
    "archive_ratio": Target("time of an archive with overlays ÷ drawing and encoding them alone", "≤", 1.3),
    "api_upload_growth_mib": Target("growth of the API's memory during a large upload, MiB", "≤", 32),
    "worker_rss_mib": Target("memory of a bulk worker process, MiB", "≤", 350),
    "worker_growth": Target("growth of a bulk worker process over the longest job, share", "≤", 0.02),
    "growth_1k_100k": Target("time per image of a job of 100,000 images ÷ of 1,000", "≤", 1.10),
    "two_workers": Target("images/s of two worker processes ÷ one, job queued beforehand", "≥", 1.7),
    "fsync_speed_ratio": Target("images/s with fsync and synchronous commit ÷ without", "≥", 0.9),
}


def evaluate(target: Target, result: Result) -> str:
    """Return `met`, `missed by` a percentage, or why it was not measured; `noisy` is added if the runs disagree."""
    if not isinstance(result, Measured):
        return f"not available: {result.reason}"
    evaluation = "met" if target.is_met(result.value) else f"missed by {target.miss(result.value):.0%}"
    return f"{evaluation}, noisy" if result.is_noisy else evaluation
