"""The harness that a benchmark gets: sizes, the model's artifact, image files, and running stacks."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self

from rich.console import Console

from bench.harness.corpus import photos, small_images, write_zip
from bench.harness.sizes import Sizes
from bench.harness.stack import BenchStack, bench_stack
from core.settings import ROOT
from model.artifact import Artifact, find_artifact

ARTIFACTS, MODEL = ROOT / "artifacts", "fashion-mnist"
MAX_IMAGES_PER_REQUEST = 50_000


class BenchHarness:
    """Opens each resource on first use and closes them all at the end; use it as a context manager."""

    def __init__(self, sizes: Sizes, *, console: Console) -> None:
        self.sizes = sizes
        self.console = console
        self._resources = ExitStack()
        self._stacks = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._resources.close()

    @cached_property
    def folder(self) -> Path:
        """A temporary folder, on the disk of the system's temporary files."""
        return Path(self._resources.enter_context(TemporaryDirectory(prefix="batchlight-bench-")))

    @cached_property
    def artifact(self) -> Artifact:
        """The newest published version of the shipped model."""
        return find_artifact(ARTIFACTS, MODEL)

    @cached_property
    def stack(self) -> BenchStack:
        """A warm stack with the default settings: one bulk process a core."""
        return self._resources.enter_context(self.another_stack())

    @contextmanager
    def another_stack(self, **options: Any) -> Iterator[BenchStack]:
        """Run a further stack during the block; it has inferred one job as a warm-up.

        Args:
            options: the options of `bench_stack`.
        """
        self._stacks += 1
        options["max_images_per_request"] = max(self.sizes.long_job_images, MAX_IMAGES_PER_REQUEST)
        with bench_stack(self.folder / f"stack-{self._stacks}", **options) as stack:
            job = stack.submit(self.small_zip(self.sizes.short_job_images))
            stack.wait_for(job)
            stack.delete(job)
            yield stack

    def small_zip(self, count: int) -> Path:
        """Return a ZIP of `count` small PNGs."""
        file = self.folder / f"small-{count}.zip"
        return file if file.exists() else write_zip(small_images(count), file=file)

    def photo_zip(self, count: int) -> Path:
        """Return a ZIP of `count` photographs."""
        file = self.folder / f"photos-{count}.zip"
        return file if file.exists() else write_zip(photos(count), file=file, suffix=".jpg")

    def report(self, line: str) -> None:
        """Print a line of progress on the terminal."""
        self.console.print(line, style="dim", highlight=False, soft_wrap=True)
