"""Messages of the command: what was wrong, and what to do next in a form that can be run."""

import json
from pathlib import Path

import pytest

from batchlight import Unreachable
from batchlight.command.job_output import follow
from tests.client.documents import JOB_ID, item_document, job_document
from tests.client.scripted_server import Exchange, client_of, serving
from tests.client.small_api import SmallApi, run, running


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "1.png"
    path.write_bytes(b"image")
    return path


def test_a_missing_folder_for_the_archive_ends_a_submit_before_anything_is_sent(image: Path, tmp_path: Path) -> None:
    api = SmallApi()
    with serving(api) as url:
        done = run("submit", image, "--download", tmp_path / "missing" / "a.zip", "--url", url, "--key", "key")

    assert done.returncode == 2
    assert f"mkdir -p {tmp_path / 'missing'}" in done.stderr
    assert not api.keys


def test_predict_refuses_a_zip_before_it_predicts_anything(image: Path, tmp_path: Path) -> None:
    (tmp_path / "more.zip").write_bytes(b"PK")
    api = SmallApi()
    with serving(api) as url:
        done = run("predict", image, tmp_path / "more.zip", "--url", url, "--key", "key")

    assert done.returncode == 2
    assert f"batchlight submit {tmp_path / 'more.zip'} --wait" in done.stderr
    assert not api.keys


def test_predict_refuses_one_overlay_file_for_several_images(image: Path, tmp_path: Path) -> None:
    (tmp_path / "2.png").write_bytes(b"image")

    done = run("predict", image, tmp_path / "2.png", "--overlay", tmp_path / "why", "--key", "key")

    assert done.returncode == 2
    assert f"There are 2 images, so --overlay must be a folder, and {tmp_path / 'why'} is not one." in done.stderr
    assert f"mkdir -p {tmp_path / 'why'}" in done.stderr


def test_a_part_of_many_failures_is_shown_with_the_command_for_all_of_them() -> None:
    job = job_document(state="partially_succeeded", succeeded=10, failed=90, total=100)
    failed = [item_document(1) for _ in range(90)]

    def respond(exchange: Exchange) -> None:
        document = {"data": failed, "next": None} if "/items" in exchange.path else job
        exchange.reply(200, json.dumps(document).encode())

    with running(respond, "status", JOB_ID) as done:
        assert done.returncode == 1, done.stderr

    assert "5 of 90 failed images are shown." in done.stderr
    assert f"batchlight items {JOB_ID} --state failed --limit 90" in done.stderr


def test_the_rate_of_a_cancelled_job_counts_only_inferred_images() -> None:
    cancelled = job_document(state="cancelled", succeeded=5, total=1000)

    with running(lambda exchange: exchange.reply(200, json.dumps(cancelled).encode()), "status", JOB_ID) as done:
        assert "2.5 s · 2 images/s" in done.stdout


def test_a_short_job_took_milliseconds() -> None:
    short = {**job_document(state="succeeded", succeeded=3), "ended_at": "2026-01-02T03:04:05.040Z"}

    with running(lambda exchange: exchange.reply(200, json.dumps(short).encode()), "status", JOB_ID) as done:
        assert "40 ms" in done.stdout


def test_a_lost_submission_says_how_to_look_for_the_job(image: Path) -> None:
    def swallow(exchange: Exchange) -> None:
        exchange.rfile.read(exchange.length)
        exchange.hang_up()

    with running(swallow, "submit", image) as done:
        assert done.returncode == 5

    assert "See your newest jobs: batchlight jobs --limit 5" in done.stderr


def test_a_lost_download_says_how_to_continue_it(tmp_path: Path) -> None:
    def cut(exchange: Exchange) -> None:
        exchange.reply(200, b"PK", {"Content-Length": "1000", "ETag": '"1"'})
        exchange.hang_up()

    with running(cut, "download", JOB_ID, "-o", tmp_path / "a.zip") as done:
        assert done.returncode == 5

    assert f"Continue it: batchlight download {JOB_ID} --output {tmp_path / 'a.zip'}" in done.stderr


def test_an_outage_during_a_wait_says_that_the_job_continues(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("batchlight.polling.RETRY_FOR_S", 0.1)
    responses = iter([200])

    def stop_after_one(exchange: Exchange) -> None:
        if next(responses, None):
            exchange.reply(200, json.dumps(job_document()).encode())
        else:
            exchange.hang_up()

    with client_of(stop_after_one) as client, pytest.raises(Unreachable) as lost:
        follow(client, client.job(JOB_ID))

    assert lost.value.__notes__ == [
        f"The job continues on the server. Follow it: batchlight status {JOB_ID} --wait",
    ]
