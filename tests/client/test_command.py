"""The command as a script and as a person meet it: output, exit codes, Ctrl-C."""

import json
import os
import pty
import signal
import subprocess
import time
from contextlib import suppress
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


def read_terminal(side: int) -> str:
    """All that was written to the other side, which is closed by now; Linux tells the end by an error."""
    seen = b""
    with suppress(OSError):
        while block := os.read(side, 65536):
            seen += block
    os.close(side)
    return seen.decode()


def refusal(status: int, code: str, detail: str) -> Document:
    return {"status": status, "title": "Refused", "code": code, "detail": detail}


def test_a_job_waited_for_is_shown_whole_and_ends_in_0(image: Path) -> None:
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

    assert "kept no longer" in done.stdout
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


def test_items_show_how_faithful_their_heatmaps_are_where_that_was_measured() -> None:
    with running(SmallApi(faithfulness=0.25), "items", JOB_ID) as done:
        head, first, *_ = done.stdout.splitlines()

    assert head.split()[-1] == "faithfulness"
    assert first.split()[-1] == "+0.25"


def test_a_job_says_that_more_than_its_cams_was_asked_for() -> None:
    full = job_document(state="succeeded", succeeded=3, explain="full")

    with running(lambda exchange: exchange.reply(200, json.dumps(full).encode()), "status", JOB_ID) as done:
        assert done.returncode == 0, done.stderr

    assert "explain    full" in done.stdout


def test_a_long_list_of_items_says_that_there_are_more() -> None:
    with running(SmallApi(items=51), "items", JOB_ID) as done:
        assert len(done.stdout.splitlines()) == 1 + 50

    assert "faithfulness" not in done.stdout
    assert "There are more: see them with --limit N" in done.stderr


def test_a_name_cannot_steer_the_terminal() -> None:
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
        (refusal(404, "not_found", "There is no job 1."), 4, "batchlight jobs"),
        (refusal(409, "job_not_finished", "The job is running."), 4, "batchlight status JOB --wait"),
    ],
)
def test_a_refusal_is_told_in_the_servers_words_with_what_to_do(refused: Document, code: int, hint: str) -> None:
    with running(SmallApi(refusal=refused), "status", JOB_ID) as done:
        assert done.returncode == code

    assert str(refused["detail"]) in done.stderr
    assert hint in done.stderr
    assert done.stdout == ""


def test_a_refusal_is_a_json_document_on_standard_error_with_json() -> None:
    with running(SmallApi(refusal=refusal(404, "not_found", "There is no job 1.")), "status", "1", "--json") as done:
        assert json.loads(done.stderr)["error"]["code"] == "not_found"

    assert done.stdout == ""


def test_without_a_key_it_ends_in_3_and_says_where_keys_come_from() -> None:
    done = run("jobs")

    assert done.returncode == 3
    assert "python -m ops keys create" in done.stderr


def test_without_a_server_it_ends_in_5_and_says_where_it_looked() -> None:
    with serving(lambda exchange: None) as url:
        pass

    done = run("jobs", "--url", url, "--key", "key")

    assert done.returncode == 5
    assert f"No answer from {url}: Connection refused." in done.stderr


@pytest.mark.parametrize("words", [["submit", "/no/such/folder"], ["submit"], ["jobs", "--url", "nonsense"]])
def test_wrong_usage_ends_in_2_without_a_traceback(words: list[str]) -> None:
    done = run(*words, "--key", "key")

    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_an_archive_that_cannot_be_written_is_said_without_a_traceback(tmp_path: Path) -> None:
    with running(SmallApi(), "download", JOB_ID, "-o", tmp_path / "missing" / "a.zip") as done:
        assert done.returncode == 2

    assert "No such file or directory" in done.stderr


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
        _, said = process.communicate(timeout=10)

    assert process.returncode == 130
    assert f"the job goes on. Follow it: batchlight status {JOB_ID} --wait" in said


def test_a_terminal_sees_bars_of_upload_and_inference(image: Path) -> None:
    ours, theirs = pty.openpty()
    with serving(SmallApi()) as url:
        words = command("submit", image, "--wait", "--url", url, "--key", "key")
        subprocess.run(words, env=environment(TERM="xterm"), stderr=theirs, stdout=subprocess.DEVNULL, check=True)
    os.close(theirs)

    seen = read_terminal(ours)
    assert "Uploading" in seen
    assert "Classifying" in seen
    assert "3/3" in seen


def test_help_lists_every_exit_code() -> None:
    done = run("--help")

    assert all(f"{code:>3}  " in done.stdout for code in (0, 1, 2, 3, 4, 5, 130))


@pytest.mark.parametrize("words", [["--help"], ["items", "--help"], ["submit", "--help"]])
def test_help_never_shows_the_key(words: list[str]) -> None:
    done = run(*words, BATCHLIGHT_KEY="bl_12345678_secret", COLUMNS="200")

    assert done.returncode == 0
    assert "secret" not in done.stdout
