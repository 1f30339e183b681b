"""The client and the command against the running stack, on the shipped images."""

import io
import json
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from batchlight import Client, Job, NotAuthenticated, Problem, gather
from batchlight.http.transport import Transport
from core.states import Scope
from tests.client.small_api import run
from tests.stacks import RunningStack

SENT = 40


@pytest.fixture(scope="module")
def client(stack: RunningStack) -> Iterator[Client]:
    with Client(stack.url, stack.key) as opened:
        yield opened


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, samples: list[Path]) -> Path:
    """Shipped images in two folders, and one file that is no image."""
    root = tmp_path_factory.mktemp("photos")
    for number, sample in enumerate(samples[:SENT]):
        home = root / ("even" if number % 2 == 0 else "odd ä")
        home.mkdir(exist_ok=True)
        (home / sample.name).write_bytes(sample.read_bytes())
    (root / "z-notes.txt").write_text("not an image")
    return root


@pytest.fixture(scope="module")
def job(client: Client, folder: Path) -> Job:
    return client.wait(client.submit(folder, name="shipped", top_k=2).id, timeout_s=60)


def command(stack: RunningStack, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return run(*arguments, BATCHLIGHT_URL=stack.url, BATCHLIGHT_KEY=stack.key)


def test_every_image_of_a_folder_comes_back_under_its_name(client: Client, job: Job, folder: Path) -> None:
    items = list(client.items(job.id))

    assert job.state == "partially_succeeded"
    assert [item.index for item in items] == list(range(SENT + 1))
    assert [item.name for item in items] == [file.name for file in gather(folder).files]
    assert all(item.label and item.cam and len(item.top_k or ()) == 2 for item in items if item.error is None)
    assert [(item.name, item.error.code) for item in items if item.error] == [("z-notes.txt", "not_an_image")]


def test_items_can_be_filtered_by_state(client: Client, job: Job) -> None:
    assert [item.name for item in client.items(job.id, state="failed")] == ["z-notes.txt"]


def test_one_item_gives_its_image_and_its_overlay(client: Client, job: Job, folder: Path) -> None:
    item = client.item(job.id, 3)

    assert client.image(job.id, 3) == (folder / item.name).read_bytes()
    with Image.open(io.BytesIO(client.overlay(job.id, 3))) as overlay:
        assert overlay.format == "PNG"


def test_the_job_is_listed(client: Client, job: Job) -> None:
    assert job.id in [listed.id for listed in client.jobs()]


def test_the_archive_is_whole_and_a_cut_download_resumes(
    client: Client, stack: RunningStack, job: Job, tmp_path: Path
) -> None:
    whole = client.download(job.id, tmp_path / "whole.zip").read_bytes()
    resumed = tmp_path / "resumed.zip"
    transport = Transport(stack.url, stack.key)
    etag = transport.get(f"/v1/jobs/{job.id}/archive").headers["etag"]
    transport.close()
    resumed.with_name("resumed.zip.part").write_bytes(whole[:10_000])
    resumed.with_name("resumed.zip.part.etag").write_text(etag)
    seen: list[int] = []

    client.download(job.id, resumed, progress=lambda done, total: seen.append(done))

    assert seen[0] > 10_000
    assert resumed.read_bytes() == whole
    with zipfile.ZipFile(resumed) as archive:
        assert archive.testzip() is None
        assert len([name for name in archive.namelist() if name.startswith("originals/")]) == SENT + 1


def test_prediction_of_one_image(client: Client, samples: list[Path]) -> None:
    prediction = client.predict(samples[0])

    assert prediction.label == prediction.top_k[0].label
    assert 0 < prediction.confidence <= 1
    assert prediction.model.engine


def test_a_prediction_of_a_chosen_model_lists_as_many_classes_as_requested(
    client: Client, stack: RunningStack, samples: list[Path]
) -> None:
    model = f"{client.models()[0].name}/latest/int8"

    prediction = client.predict(samples[0], model=model, top_k=5)
    shown = command(stack, "predict", samples[0], "--model", model, "--top-k", "5", "--json")

    assert (prediction.model.precision, len(prediction.top_k)) == ("int8", 5)
    assert [score["label"] for score in json.loads(shown.stdout)["top_k"]] == [s.label for s in prediction.top_k]


def test_explain_full_adds_the_faithfulness(client: Client, samples: list[Path]) -> None:
    job = client.wait(client.submit(samples[:2], explain="full").id, timeout_s=60)

    scores = [item.faithfulness for item in client.items(job.id)]

    assert job.options.explain == "full"
    assert scores[0] == pytest.approx(client.predict(samples[0], explain="full").faithfulness, abs=1e-4)
    assert client.predict(samples[0]).faithfulness is None


def test_predict_refuses_a_file_that_is_not_an_image(client: Client, folder: Path) -> None:
    with pytest.raises(Problem) as refused:
        client.predict(folder / "z-notes.txt")

    assert (refused.value.status, refused.value.code) == (415, "not_an_image")


def test_a_zip_gives_the_same_results_as_its_folder(client: Client, job: Job, folder: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        for file in gather(folder).files:
            archive.write(file.path, file.name)

    zipped = client.wait(client.submit(tmp_path / "photos.zip").id, timeout_s=60)

    assert [(item.name, item.label) for item in client.items(zipped.id)] == [
        (item.name, item.label) for item in client.items(job.id)
    ]


def test_a_zip_among_images_is_unpacked_in_its_place(client: Client, samples: list[Path], tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "more.zip", "w") as archive:
        archive.write(samples[1], "inside.png")

    job = client.wait(client.submit([samples[0], tmp_path / "more.zip"]).id, timeout_s=60)

    assert [Path(item.name).name for item in client.items(job.id)] == [samples[0].name, "inside.png"]


def test_an_unsafe_zip_names_its_entry(client: Client, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "unsafe.zip", "w") as archive:
        archive.writestr("../evil.png", b"x")

    with pytest.raises(Problem) as refused:
        client.submit(tmp_path / "unsafe.zip")

    assert [error.where for error in refused.value.errors] == ["../evil.png"]


def test_a_wrong_key_ends_a_large_upload_at_once(stack: RunningStack, tmp_path: Path) -> None:
    large = tmp_path / "large.png"
    with large.open("wb") as file:
        file.truncate(128 * 1024 * 1024)
    sent = [0]

    with Client(stack.url, "bl_wrong") as client, pytest.raises(NotAuthenticated):
        client.submit(large, progress=lambda done, total: sent.append(done))

    assert sent[-1] < large.stat().st_size / 2


def test_a_key_that_may_only_write_is_refused_to_read(stack: RunningStack) -> None:
    with Client(stack.url, stack.key_of("ada", Scope.JOBS_WRITE)) as client, pytest.raises(Problem) as refused:
        next(client.jobs())

    assert refused.value.status == 403


def test_the_command_goes_from_folder_to_archive(stack: RunningStack, folder: Path, tmp_path: Path) -> None:
    done = command(stack, "submit", folder, "--download", tmp_path / "out.zip", "--json")

    assert done.returncode == 1, done.stderr
    assert json.loads(done.stdout)["state"] == "partially_succeeded"
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert "results.csv" in archive.namelist()


def test_the_command_predicts_and_writes_overlays(stack: RunningStack, samples: list[Path], tmp_path: Path) -> None:
    done = command(stack, "predict", *samples[:2], "--overlay", tmp_path, "--json")

    assert done.returncode == 0, done.stderr
    assert [json.loads(line)["file"] for line in done.stdout.splitlines()] == [str(path) for path in samples[:2]]
    assert len(list(tmp_path.glob("*-overlay.png"))) == 2


def test_the_command_shows_faithfulness(client: Client, stack: RunningStack, samples: list[Path]) -> None:
    job = json.loads(command(stack, "submit", samples[0], "--explain", "full", "--wait", "--json").stdout)
    shown = command(stack, "predict", samples[0], "--explain", "full")

    (item,) = client.items(job["id"])
    assert job["options"]["explain"] == "full"
    assert shown.stdout.split()[-1] == f"{item.faithfulness:+.2f}"


def test_the_predict_command_reports_a_file_that_is_not_an_image_and_continues(
    stack: RunningStack, folder: Path, samples: list[Path]
) -> None:
    done = command(stack, "predict", folder / "z-notes.txt", samples[0])

    assert done.returncode == 1
    assert "not_an_image" in done.stdout
    assert samples[0].name in done.stdout


def test_the_command_shows_jobs_and_models(stack: RunningStack, job: Job) -> None:
    assert job.id in command(stack, "jobs", "--limit", "1000").stdout
    assert str(job.model).rpartition("/")[0] in command(stack, "models").stdout


def test_the_command_retries_failed_images_and_deletes_a_job_permanently(stack: RunningStack, folder: Path) -> None:
    job = json.loads(command(stack, "submit", folder / "z-notes.txt", "--wait", "--json").stdout)

    again = command(stack, "retry", job["id"], "--wait", "--json")
    deleted = command(stack, "delete", job["id"])
    gone = command(stack, "items", job["id"], "--json")

    assert (again.returncode, json.loads(again.stdout)["run"]) == (1, 2)
    assert (deleted.returncode, gone.returncode) == (0, 4)
    assert json.loads(gone.stderr)["error"]["code"] == "gone"


def test_the_command_refuses_to_cancel_an_ended_job(stack: RunningStack, job: Job) -> None:
    refused = command(stack, "cancel", job.id, "--json")

    assert (refused.returncode, json.loads(refused.stderr)["error"]["code"]) == (4, "job_ended")
