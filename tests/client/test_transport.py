"""What the client makes of a server's behavior on the wire."""

import json
import time
from pathlib import Path

import pytest

from batchlight import (
    Client,
    ConnectionLost,
    InvalidAddress,
    MissingKey,
    NotAuthenticated,
    Problem,
    UnexpectedAnswer,
    Unreachable,
)
from tests.client.documents import JOB_ID, job_document
from tests.client.scripted_server import Exchange, client_of, serving

PROBLEM = {"Content-Type": "application/problem+json"}


def problem(code: str, **more: object) -> bytes:
    return json.dumps({"title": "Refused", "detail": "It is refused.", "code": code, **more}).encode()


@pytest.fixture
def large_file(tmp_path: Path) -> Path:
    """64 MiB without taking up a disk: far more than sockets buffer."""
    path = tmp_path / "large.png"
    with path.open("wb") as file:
        file.truncate(64 * 1024 * 1024)
    return path


def test_a_refusal_ends_an_upload_that_nobody_reads(large_file: Path) -> None:
    sent: list[int] = []

    def refuse_and_drain(exchange: Exchange) -> None:
        exchange.reply(401, problem("unauthenticated"), PROBLEM)
        while exchange.rfile.read1(1024 * 1024):
            time.sleep(0.001)

    with client_of(refuse_and_drain) as client, pytest.raises(NotAuthenticated, match="It is refused"):
        client.submit(large_file, progress=lambda done, total: sent.append(done))

    assert max(sent, default=0) < large_file.stat().st_size / 2


def test_a_refusal_is_read_although_the_connection_breaks(large_file: Path) -> None:
    def refuse_and_close(exchange: Exchange) -> None:
        exchange.rfile.read(100_000)
        exchange.reply(413, problem("body_too_large"), PROBLEM)
        exchange.hang_up()

    with client_of(refuse_and_close) as client, pytest.raises(Problem) as refused:
        client.submit(large_file)

    assert (refused.value.status, refused.value.code) == (413, "body_too_large")


def test_a_problem_names_the_entry_at_fault(tmp_path: Path) -> None:
    (tmp_path / "broken.zip").write_bytes(b"PK")
    errors = [{"entry": "../evil.png", "detail": "points outside", "code": "bad_zip"}]

    def refuse(exchange: Exchange) -> None:
        exchange.rfile.read(exchange.length)
        exchange.reply(422, problem("bad_zip", errors=errors), PROBLEM)

    with client_of(refuse) as client, pytest.raises(Problem) as refused:
        client.submit(tmp_path / "broken.zip")

    (fault,) = refused.value.errors
    assert (fault.where, fault.detail, fault.code) == ("../evil.png", "points outside", "bad_zip")


def test_a_submission_whose_answer_is_lost_is_not_sent_again(tmp_path: Path) -> None:
    (tmp_path / "1.png").write_bytes(b"x")
    requests: list[str] = []

    def swallow(exchange: Exchange) -> None:
        requests.append(exchange.command)
        exchange.rfile.read(exchange.length)
        exchange.hang_up()

    with client_of(swallow) as client, pytest.raises(ConnectionLost, match="not sent again by itself"):
        client.submit(tmp_path)

    assert requests == ["POST"]


def test_an_upload_that_is_cut_off_says_that_no_job_was_made(large_file: Path) -> None:
    def cut(exchange: Exchange) -> None:
        exchange.rfile.read(100_000)
        exchange.hang_up()

    with client_of(cut) as client, pytest.raises(ConnectionLost, match=r"of 67,\d+,\d+ bytes .* no job was made"):
        client.submit(large_file)


def test_progress_counts_every_byte_of_the_body(tmp_path: Path) -> None:
    (tmp_path / "1.png").write_bytes(bytes(200_000))
    seen: list[tuple[int, int]] = []
    received: list[int] = []

    def accept(exchange: Exchange) -> None:
        received.append(len(exchange.rfile.read(exchange.length)))
        exchange.reply(202, json.dumps(job_document()).encode())

    with client_of(accept) as client:
        client.submit(tmp_path, progress=lambda done, total: seen.append((done, total)))

    assert seen == sorted(seen)
    assert seen[-1] == (received[0], received[0])


def test_options_travel_in_the_query(tmp_path: Path) -> None:
    (tmp_path / "1.png").write_bytes(b"x")
    asked: list[str] = []

    def accept(exchange: Exchange) -> None:
        asked.append(exchange.path)
        exchange.rfile.read(exchange.length)
        exchange.reply(202, json.dumps(job_document()).encode())

    with client_of(accept) as client:
        client.submit(tmp_path, model="fashion-mnist/1.0.0", top_k=2, explain="full", name="Herbst & Winter")

    assert asked == ["/v1/jobs?model=fashion-mnist%2F1.0.0&top_k=2&explain=full&name=Herbst+%26+Winter"]


def test_a_read_survives_a_dropped_connection_and_a_restart_behind_a_proxy() -> None:
    replies = iter(["drop", "unavailable", "answer"])

    def stumble(exchange: Exchange) -> None:
        match next(replies):
            case "drop":
                exchange.hang_up()
            case "unavailable":
                exchange.reply(503, b"restarting")
            case _:
                exchange.reply(200, json.dumps(job_document()).encode())

    with client_of(stumble) as client:
        assert client.job(JOB_ID).id == JOB_ID


def test_trouble_that_stays_is_reported_as_what_it_is() -> None:
    def fail(exchange: Exchange) -> None:
        exchange.reply(503, problem("database_unavailable"), PROBLEM)

    with client_of(fail) as client, pytest.raises(Problem) as failed:
        client.job(JOB_ID)

    assert failed.value.code == "database_unavailable"


def test_pages_are_followed_by_their_cursor_as_long_as_items_are_asked_for() -> None:
    asked: list[str] = []

    def answer(exchange: Exchange) -> None:
        asked.append(exchange.path)
        page = {"data": [job_document(), job_document()], "next": f"after-{len(asked)}" if len(asked) < 3 else None}
        exchange.reply(200, json.dumps(page).encode())

    with client_of(answer) as client:
        assert len(list(client.jobs())) == 6
        next(client.jobs())

    assert asked[:3] == [f"/v1/jobs?limit=500{cursor}" for cursor in ("", "&after=after-1", "&after=after-2")]
    assert len(asked) == 4


def test_a_page_of_html_is_not_taken_for_an_answer() -> None:
    def welcome(exchange: Exchange) -> None:
        exchange.reply(200, b"<html>Welcome</html>")

    with client_of(welcome) as client, pytest.raises(UnexpectedAnswer, match="is this a Batchlight server"):
        client.models()


def test_a_redirect_says_where_to() -> None:
    def move(exchange: Exchange) -> None:
        exchange.reply(301, headers={"Location": "https://batchlight.example/"})

    with client_of(move) as client, pytest.raises(UnexpectedAnswer, match=r"batchlight\.example/: use that address"):
        client.models()


def test_an_error_page_of_something_in_between_is_still_a_problem() -> None:
    def miss(exchange: Exchange) -> None:
        exchange.reply(404, b"<html>no such site</html>")

    with client_of(miss) as client, pytest.raises(Problem, match="Not Found") as refused:
        client.models()

    assert refused.value.code == "http_404"


def test_a_server_that_is_away_is_unreachable_within_seconds() -> None:
    with serving(lambda exchange: None) as url:
        pass

    started_at = time.monotonic()
    with Client(url, "key") as client, pytest.raises(Unreachable, match="Connection refused"):
        client.models()

    assert time.monotonic() - started_at < 5


def test_loopback_is_reached_directly_whatever_proxy_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")

    with client_of(lambda exchange: exchange.reply(200, b'{"data": []}')) as client:
        assert client.models() == []


@pytest.mark.parametrize("address", ["localhost:8000", "", "ftp://server", "http://"])
def test_what_is_no_address_is_said_before_anything_is_sent(address: str) -> None:
    with pytest.raises(InvalidAddress, match=r"write it like http://127\.0\.0\.1:8000"):
        Client(address, "key")


@pytest.mark.parametrize("key", ["", " \n", "bl_1 2", "bl_\u2026"])
def test_what_can_be_no_key_is_said_before_anything_is_sent(key: str) -> None:
    with pytest.raises(MissingKey):
        Client("http://127.0.0.1:8000", key)
