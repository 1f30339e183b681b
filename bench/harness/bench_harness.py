"""What the measurements share: sizes, the artifact, the corpus on disk, one running stack."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

from rich.console import Console

from bench.harness.corpus import photos, small_images, write_zip
from bench.harness.stack import BenchStack, bench_stack
from core.settings import ROOT
from model.artifact import Artifact, find_artifact

ARTIFACTS, MODEL = ROOT / "artifacts", "fashion-mnist"


@dataclass(frozen=True)
class Sizes:
    """How much is measured: a full run has sizes that mean something, a quick one shows that everything works."""

    mode: str = "full"
    pairs: int = 5
    engine_images: int = 2_048
    bulk_images: int = 10_000
    usual_images: int = 200
    photos: int = 64
    predicts: int = 100
    loaded_predicts: int = 200
    archive_images: int = 10_000
    archive_pairs: int = 3
    upload_mib: int = 1_024
    long_images: int = 100_000
    short_images: int = 1_000
    queued_images: int = 5_000
    peer_images: int = 10_000
    singles: int = 1_000
    contended_shards: int = 1_000
    claimers: tuple[int, ...] = (1, 4, 16)
    settle_s: float = 11.0
    gpu_s: float = 10.0


QUICK = Sizes(
    mode="quick",
    pairs=2,
    engine_images=256,
    bulk_images=1_000,
    usual_images=12,
    photos=4,
    predicts=20,
    loaded_predicts=40,
    archive_images=500,
    archive_pairs=1,
    upload_mib=32,
    long_images=2_000,
    short_images=300,
    queued_images=600,
    peer_images=500,
    singles=200,
    contended_shards=50,
    claimers=(1, 2),
    settle_s=1.0,
    gpu_s=2.0,
)


class Ground:
    """Opens on first use and keeps until it is closed; use it as a context manager."""

    def __init__(self, sizes: Sizes, *, console: Console) -> None:
        self.sizes = sizes
        self.console = console
        self._open = ExitStack()
        self._stacks = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    @cached_property
    def folder(self) -> Path:
        """A temporary folder on the disk where data would lie."""
        return Path(self._open.enter_context(TemporaryDirectory(prefix="batchlight-bench-")))

    @cached_property
    def artifact(self) -> Artifact:
        """The newest published version of the shipped model."""
        return find_artifact(ARTIFACTS, MODEL)

    @cached_property
    def stack(self) -> BenchStack:
        """The stack as it ships, warm: one bulk process a core."""
        return self._open.enter_context(self.another_stack())

    @contextmanager
    def another_stack(self, **options: Any) -> Iterator[BenchStack]:
        """A further stack, for the block; the options are those of `bench_stack`. It has inferred a job already."""
        self._stacks += 1
        options["max_images_per_request"] = max(self.sizes.long_images, 50_000)
        with bench_stack(self.folder / f"stack-{self._stacks}", **options) as stack:
            job = stack.submit(self.small_zip(self.sizes.short_images))
            stack.ended(job)
            stack.delete(job)
            yield stack

    def small_zip(self, count: int) -> Path:
        """A ZIP of so many small PNGs."""
        file = self.folder / f"small-{count}.zip"
        return file if file.exists() else write_zip(small_images(count), file=file)

    def photo_zip(self, count: int) -> Path:
        """A ZIP of so many photographs."""
        file = self.folder / f"photos-{count}.zip"
        return file if file.exists() else write_zip(photos(count), file=file, suffix=".jpg")

    def say(self, line: str) -> None:
        """Tells the person at the terminal what is going on."""
        self.console.print(line, style="dim", highlight=False, soft_wrap=True)
