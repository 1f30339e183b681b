"""Every script of examples/, run as its reader runs it, against a running stack."""

import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from batchlight import Client, Job
from core.settings import ROOT
from tests.stacks import RunningStack, run_stack

EXAMPLES = ROOT / "examples"


def run(
    script: str, *arguments: str | Path, stack: RunningStack | None = None, program: str = sys.executable
) -> subprocess.CompletedProcess[str]:
    """The ended script; its standard error is shown where a test fails."""
    server = {"BATCHLIGHT_URL": stack.url, "BATCHLIGHT_KEY": stack.key} if stack else {}
    return subprocess.run(
        [program, str(EXAMPLES / script), *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": "client", **server},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


@pytest.fixture(scope="module")
def client(stack: RunningStack) -> Iterator[Client]:
    with Client(stack.url, stack.key) as opened:
        yield opened


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, samples: list[Path]) -> Path:
    """Five images, and one file that is not an image."""
    path = tmp_path_factory.mktemp("photos")
    for sample in samples[:5]:
        shutil.copy(sample, path)
    (path / "z-notes.txt").write_text("not an image")
    return path


@pytest.fixture(scope="module")
def job(client: Client, folder: Path) -> Job:
    return client.wait(client.submit(folder).id, timeout_s=60)


@pytest.fixture(scope="module")
def own_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of models that holds nothing but the example's model."""
    artifacts = tmp_path_factory.mktemp("artifacts")
    done = run("package_own_model.py", "--artifacts", artifacts)
    assert done.returncode == 0, done.stderr
    return artifacts


@pytest.fixture(scope="module")
def own_stack(own_models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStack]:
    """A stack that serves that folder."""
    settings = {"BATCHLIGHT_ARTIFACTS_DIR": str(own_models), "BATCHLIGHT_DEFAULT_MODEL": "brightness"}
    with run_stack(tmp_path_factory.mktemp("stack"), environment=settings) as running:
        yield running


def test_submit_folder_prints_the_label_of_every_image(stack: RunningStack, folder: Path, samples: list[Path]) -> None:
    done = run("submit_folder.py", folder, stack=stack)

    head, *lines = done.stdout.splitlines()
    assert (done.returncode, head) == (0, "partially_succeeded: 5 of 6 images are classified"), done.stderr
    assert [line.split("\t")[0] for line in lines] == [sample.name for sample in samples[:5]]


def test_follow_job_prints_progress_and_why_images_failed(stack: RunningStack, job: Job) -> None:
    done = run("follow_job.py", job.id, stack=stack)

    assert done.returncode == 1, done.stderr
    assert "partially_succeeded: 6/6, 1 failed" in done.stdout
    assert "z-notes.txt: not_an_image: " in done.stdout
    assert done.stdout.endswith("1 × not_an_image\n")


def test_explain_one_image_saves_the_overlay(stack: RunningStack, samples: list[Path], tmp_path: Path) -> None:
    done = run("explain_one_image.py", samples[0], tmp_path / "overlay.png", stack=stack)

    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 3 + 2
    with Image.open(tmp_path / "overlay.png") as overlay:
        assert overlay.format == "PNG"


def test_download_results_counts_the_images_of_each_label(
    stack: RunningStack, client: Client, job: Job, tmp_path: Path
) -> None:
    done = run("download_results.py", job.id, tmp_path / "results.zip", stack=stack)

    labels = Counter(item.label for item in client.items(job.id, state="succeeded"))
    rows = [line.split("\t") for line in done.stdout.splitlines()[1:]]
    assert done.returncode == 0, done.stderr
    assert {label: int(images) for label, images, _ in rows} == labels


def test_a_packaged_model_is_served(own_stack: RunningStack, tmp_path: Path) -> None:
    for name, shade in (("night.png", 10), ("snow.png", 245)):
        Image.new("RGB", (8, 8), (shade, shade, shade)).save(tmp_path / name)

    with Client(own_stack.url, own_stack.key) as client:
        job = client.wait(client.submit(tmp_path, model="brightness").id, timeout_s=60)
        labels = {item.name: item.label for item in client.items(job.id)}

    assert labels == {"night.png": "dark", "snow.png": "light"}


def test_a_version_that_exists_is_not_packaged_again(own_models: Path) -> None:
    done = run("package_own_model.py", "--artifacts", own_models)

    assert done.returncode == 2
    assert "brightness/1.0.0 exists" in done.stderr
    assert "--version 1.1.0" in done.stderr


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("jq")), reason="needs curl and jq")
def test_curl_prints_the_label_of_every_image(stack: RunningStack, samples: list[Path]) -> None:
    done = run("curl.sh", *samples[:3], stack=stack, program="sh")

    assert done.returncode == 0, done.stderr
    assert [line.split("\t")[0] for line in done.stdout.splitlines()] == [sample.name for sample in samples[:3]]


def test_the_readme_lists_every_example() -> None:
    listed = (EXAMPLES / "README.md").read_text()

    assert [path.name for path in EXAMPLES.iterdir() if path.suffix in {".py", ".sh"} and path.name not in listed] == []
