"""The command in a script and in a terminal: output, exit codes, Ctrl-C."""

import json
import os
import pty
import signal
import subprocess
import time
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.client.documents import JOB_ID, item_document, job_document
from tests.client.scripted_server import serving
from tests.client.small_api import Document, SmallApi, command, environment, run, running


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "1.png"
    path.write_bytes(b"image")
    return path


def read_terminal(controller: int) -> str:
    """Everything written to the terminal, which is closed by now. Linux reports the end as an error."""
    output = b""
    with suppress(OSError):
        while block := os.read(controller, 65536):
            output += block
    os.close(controller)
    return output.decode()


def refusal(status: int, code: str, detail: str) -> Document:
    return {"status": status, "title": "Refused", "code": code, "detail": detail}


def test_submit_with_wait_shows_the_ended_job_and_ends_in_0(image: Path) -> None:
    with running(SmallApi(), "submit", image, "--wait") as done:
        assert done.returncode == 0, done.stderr

    assert "3 succeeded" in done.stdout
    assert JOB_ID in done.stdout
    assert f"batchlight download {JOB_ID}" in done.stderr
    assert "Uploading" not in done.stderr


def test_a_job_with_failed_images_ends_in_1_and_shows_them(image: Path) -> None:
    with running(SmallApi(ends_as="partially_succeeded"), "submit", image, "--wait") as done:
        assert done.returncode == 1

    assert "1 failed" in done.stdout
    assert "truncated_image" in done.stdout


def test_a_job_whose_results_are_deleted_is_still_shown() -> None:
    purged = {**job_document(state="failed", failed=3), "purged_at": "2026-02-02T03:04:05Z"}

    with running(lambda exchange: exchange.reply(200, json.dumps(purged).encode()), "status", JOB_ID) as done:
        assert done.returncode == 1, done.stderr

    assert "no longer kept" in done.stdout
    assert "download" not in done.stderr


def test_json_is_one_document_and_nothing_else_on_standard_output(image: Path) -> None:
    (image.parent / ".hidden").touch()

    with running(SmallApi(), "submit", image.parent, "--wait", "--json") as done:
        assert json.loads(done.stdout) == {
            **job_document(state="succeeded", succeeded=3),
            "ended_at": "2026-01-02T03:04:07.500000Z",
        }

    assert "Skipped .hidden (hidden)." in done.stderr


def test_items_are_json_lines_as_the_api_writes_them() -> None:
    with running(SmallApi(), "--json", "items", JOB_ID, "--limit", "2") as done:
        assert [json.loads(line) for line in done.stdout.splitlines()] == [item_document(0), item_document(1)]


def test_items_show_the_faithfulness_where_it_was_measured() -> None:
    with running(SmallApi(faithfulness=0.25), "items", JOB_ID) as done:
        head, first, *_ = done.stdout.splitlines()

    assert head.split()[-1] == "faithfulness"
    assert first.split()[-1] == "+0.25"


def test_a_job_shows_that_it_measures_the_faithfulness() -> None:
    full = job_document(state="succeeded", succeeded=3, explain="full")

    with running(lambda exchange: exchange.reply(200, json.dumps(full).encode()), "status", JOB_ID) as done:
        assert done.returncode == 0, done.stderr

    assert "explain    full" in done.stdout


def test_a_long_list_of_items_says_how_to_see_the_rest() -> None:
    with running(SmallApi(items=51), "items", JOB_ID) as done:
        assert len(done.stdout.splitlines()) == 1 + 50

    assert "faithfulness" not in done.stdout
    assert f"batchlight items {JOB_ID} --limit 500" in done.stderr
    assert f"batchlight items {JOB_ID} --json" in done.stderr


def test_a_name_cannot_control_the_terminal() -> None:
    with running(SmallApi(), "items", JOB_ID) as done:
        assert "\x1b" not in done.stdout

    assert r"evil\x1b[2J.png" in done.stdout


def test_the_option_at_the_command_wins_over_the_one_before_it_and_over_the_environment() -> None:
    api = SmallApi()
    with serving(api) as url:
        done = run("--key", "before", "jobs", "--key", "at", "--url", url, BATCHLIGHT_KEY="in-environment")

    assert done.returncode == 0, done.stderr
    assert api.keys == {"Bearer at"}


def test_the_option_before_the_command_wins_over_the_environment() -> None:
    api = SmallApi()
    with serving(api) as url:
        done = run("--key", "before", "--url", url, "jobs", BATCHLIGHT_KEY="in-environment", BATCHLIGHT_URL="nowhere")

    assert done.returncode == 0, done.stderr
    assert api.keys == {"Bearer before"}


@pytest.mark.parametrize(
    ("refused", "code", "hint"),
    [
        (refusal(401, "unauthenticated", "This API key is not known."), 3, "python -m ops keys create"),
        (refusal(404, "job_not_found", "There is no job 1."), 4, "batchlight jobs"),
        (refusal(409, "job_not_finished", "The job is running."), 4, f"batchlight status {JOB_ID} --wait"),
    ],
)
def test_a_refusal_shows_the_servers_detail_and_what_to_do_next(refused: Document, code: int, hint: str) -> None:
    with running(SmallApi(refusal=refused), "status", JOB_ID) as done:
        assert done.returncode == code

    assert str(refused["detail"]) in done.stderr
    assert hint in done.stderr
    assert done.stdout == ""


def test_a_refusal_is_a_json_document_on_standard_error_with_json() -> None:
    with running(SmallApi(refusal=refusal(404, "not_found", "There is no job 1.")), "status", "1", "--json") as done:
        assert json.loads(done.stderr)["error"]["code"] == "not_found"

    assert done.stdout == ""


def test_without_a_key_it_ends_in_3_and_says_how_to_create_one() -> None:
    done = run("jobs")

    assert done.returncode == 3
    assert "python -m ops keys create" in done.stderr


def test_without_a_server_it_ends_in_5_and_names_the_address() -> None:
    with serving(lambda exchange: None) as url:
        pass

    done = run("jobs", "--url", url, "--key", "key")

    assert done.returncode == 5
    assert f"No response from {url}: Connection refused." in done.stderr


@pytest.mark.parametrize("arguments", [["submit", "/no/such/folder"], ["submit"], ["jobs", "--url", "nonsense"]])
def test_wrong_usage_ends_in_2_without_a_traceback(arguments: list[str]) -> None:
    done = run(*arguments, "--key", "key")

    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_a_missing_download_folder_is_reported_before_anything_is_requested(tmp_path: Path) -> None:
    with running(SmallApi(), "download", JOB_ID, "-o", tmp_path / "missing" / "a.zip") as done:
        assert done.returncode == 2

    assert f"Create it: mkdir -p {tmp_path / 'missing'}" in done.stderr


def test_ctrl_c_while_waiting_leaves_the_job_and_says_how_to_follow_it(image: Path) -> None:
    with serving(SmallApi(polls=10**6)) as url:
        process = subprocess.Popen(
            command("submit", image, "--wait", "--url", url, "--key", "key"),
            env=environment(),
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        assert process.stderr.readline() == f"Job {JOB_ID}\n"
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=10)

    assert process.returncode == 130
    assert f"the job continues. Follow it: batchlight status {JOB_ID} --wait" in stderr


def test_a_terminal_sees_bars_of_upload_and_inference(image: Path) -> None:
    controller, terminal = pty.openpty()
    with serving(SmallApi()) as url:
        arguments = command("submit", image, "--wait", "--url", url, "--key", "key")
        subprocess.run(arguments, env=environment(TERM="xterm"), stderr=terminal, stdout=subprocess.DEVNULL, check=True)
    os.close(terminal)

    output = read_terminal(controller)
    assert "Uploading" in output
    assert "Classifying" in output
    assert "3/3" in output


def test_help_lists_every_exit_code() -> None:
    done = run("--help")

    assert all(f"{code:>3}  " in done.stdout for code in (0, 1, 2, 3, 4, 5, 130))


@pytest.mark.parametrize("arguments", [["--help"], ["items", "--help"], ["submit", "--help"]])
def test_help_never_shows_the_key(arguments: list[str]) -> None:
    done = run(*arguments, BATCHLIGHT_KEY="bl_12345678_secret", COLUMNS="200")

    assert done.returncode == 0
    assert "secret" not in done.stdout


def test_the_version_is_shown_without_a_server() -> None:
    done = run("--version")

    assert (done.returncode, done.stdout) == (0, f"batchlight {version('batchlight')}\n")


def test_ids_of_jobs_are_not_broken_on_a_narrow_terminal() -> None:
    controller, terminal = pty.openpty()
    with serving(SmallApi()) as url:
        arguments = command("jobs", "--url", url, "--key", "key")
        subprocess.run(arguments, env=environment(TERM="xterm", COLUMNS="80"), stdout=terminal, check=True)
    os.close(terminal)

    assert JOB_ID in read_terminal(controller)
