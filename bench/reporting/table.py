"""The targets, and the table that holds the findings against them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from rich.table import Table

from bench.harness.results import Finding, Measured


@dataclass(frozen=True)
class Target:
    """What a key means, and what it should be."""

    what: str
    bound: Literal["≥", "≤"]
    limit: float

    def is_met(self, value: float) -> bool:
        return value >= self.limit if self.bound == "≥" else value <= self.limit

    def miss(self, value: float) -> float:
        """How far the value lies on the wrong side, as a share of the limit."""
        return abs(value - self.limit) / self.limit

    def __str__(self) -> str:
        return f"{self.bound} {self.limit:g}"


TARGETS = {
    "cam_cost": Target("images/s with the CAM ÷ without it, same engine", "≥", 0.97),
    "bulk_efficiency": Target("a ZIP of small PNGs, submit to last commit ÷ bare decode and inference", "≥", 0.85),
    "bulk_vs_usual": Target("the same ÷ a Celery task per image with model.predict and GradientTape", "≥", 50),
    "bulk_vs_litserve": Target("the same ÷ the same model behind LitServe, 64 clients", "≥", 5),
    "bulk_vs_bentoml": Target("the same ÷ the same model behind BentoML, 64 clients", "≥", 5),
    "bulk_vs_raydata": Target("the same ÷ the same model in Ray Data", "≥", 1.1),
    "int8_gain": Target("int8 ÷ fp32 engine, both with the CAM", "≥", 1.8),
    "photo_gain": Target("12-megapixel JPEGs end to end ÷ the same, decoded in full", "≥", 4),
    "predict_p50_ratio": Target("/predict ÷ FastAPI with the model in its process, p50 idle", "≤", 3),
    "predict_p99_loaded_ratio": Target("p99 of /predict under full bulk load ÷ idle", "≤", 5),
    "singles_rate": Target("64 clients, one image a job: commits/s ÷ LitServe's answers/s", "≥", 1.0),
    "archive_ratio": Target("an archive of overlays ÷ drawing and encoding them alone, time", "≤", 1.3),
    "api_upload_growth_mib": Target("memory the API gains over a large upload, MiB", "≤", 32),
    "worker_rss_mib": Target("memory of a bulk worker's process, MiB", "≤", 350),
    "worker_growth": Target("its growth over the longest job", "≤", 0.02),
    "growth_1k_100k": Target("time per image, a hundredfold job ÷ a small one", "≤", 1.10),
    "two_workers": Target("images/s of two worker processes ÷ one, job submitted beforehand", "≥", 1.7),
    "fsync_cost": Target("images/s with fsync and synchronous commit ÷ without", "≥", 0.9),
}


def verdict(target: Target, finding: Finding) -> str:
    """In words: met, missed and by how much, or why not measured; with a warning where the runs disagree."""
    if not isinstance(finding, Measured):
        return f"not available: {finding.reason}"
    met = "met" if target.is_met(finding.value) else f"missed by {target.miss(finding.value):.0%}"
    return f"{met}, noisy" if finding.is_noisy else met


def draw_table(findings: Mapping[str, Finding], *, wide: bool) -> Table:
    """The findings in the order of the targets, a line each; a wide one says what each key means."""
    table = Table("key", "value", "spread", "target", "verdict", title="Batchlight", title_justify="left")
    for column in table.columns[:4]:
        column.no_wrap = True
    for column in table.columns[1:4]:
        column.justify = "right"
    if wide:
        table.add_column("what")
    for key, target in TARGETS.items():
        if key in findings:
            cells = (key, *_figures(findings[key]), str(target), _colored(target, findings[key]), target.what)
            table.add_row(*cells[: len(table.columns)])
    return table


def _figures(finding: Finding) -> tuple[str, str]:
    if not isinstance(finding, Measured):
        return "–", "–"
    return f"{finding.value:.3g}", "–" if finding.spread is None else f"{finding.spread:.0%}"


def _colored(target: Target, finding: Finding) -> str:
    words = verdict(target, finding)
    color = "green" if words == "met" else "red" if words.startswith("missed") else "yellow"
    return f"[{color}]{words}[/]"
