"""How the client reacts to a server's behavior on the wire."""

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
    UnexpectedResponse,
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


def test_a_refusal_ends_an_upload_that_the_server_does_not_read(large_file: Path) -> None:
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


def test_a_problem_names_the_offending_entry(tmp_path: Path) -> None:
    (tmp_path / "broken.zip").write_bytes(b"PK")
    errors = [{"entry": "../evil.png", "detail": "points outside", "code": "bad_zip"}]

    def refuse(exchange: Exchange) -> None:
        exchange.rfile.read(exchange.length)
        exchange.reply(422, problem("bad_zip", errors=errors), PROBLEM)

    with client_of(refuse) as client, pytest.raises(Problem) as refused:
        client.submit(tmp_path / "broken.zip")

    (error,) = refused.value.errors
    assert (error.where, error.detail, error.code) == ("../evil.png", "points outside", "bad_zip")


def test_a_submission_whose_response_is_lost_is_not_sent_again(tmp_path: Path) -> None:
    (tmp_path / "1.png").write_bytes(b"x")
    requests: list[str] = []

    def swallow(exchange: Exchange) -> None:
        requests.append(exchange.command)
        exchange.rfile.read(exchange.length)
        exchange.hang_up()

    with client_of(swallow) as client, pytest.raises(ConnectionLost, match="does not send it again"):
        client.submit(tmp_path)

    assert requests == ["POST"]


def test_an_upload_that_is_cut_off_says_that_no_job_was_created(large_file: Path) -> None:
    def cut(exchange: Exchange) -> None:
        exchange.rfile.read(100_000)
        exchange.hang_up()

    with client_of(cut) as client, pytest.raises(ConnectionLost, match=r"of 67,\d+,\d+ bytes .* no job was created"):
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


def test_options_are_sent_in_the_query(tmp_path: Path) -> None:
    (tmp_path / "1.png").write_bytes(b"x")
    paths: list[str] = []

    def accept(exchange: Exchange) -> None:
        paths.append(exchange.path)
        exchange.rfile.read(exchange.length)
        exchange.reply(202, json.dumps(job_document()).encode())

    with client_of(accept) as client:
        client.submit(tmp_path, model="fashion-mnist/1.0.0", top_k=2, explain="full", name="Herbst & Winter")

    assert paths == ["/v1/jobs?model=fashion-mnist%2F1.0.0&top_k=2&explain=full&name=Herbst+%26+Winter"]


def test_a_read_survives_a_dropped_connection_and_a_restart_behind_a_proxy() -> None:
    replies = iter(["drop", "unavailable", "respond"])

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


def test_a_lasting_server_error_is_reported_with_its_code() -> None:
    def fail(exchange: Exchange) -> None:
        exchange.reply(503, problem("database_unavailable"), PROBLEM)

    with client_of(fail) as client, pytest.raises(Problem) as failed:
        client.job(JOB_ID)

    assert failed.value.code == "database_unavailable"


def test_pages_are_requested_by_cursor_only_while_records_are_consumed() -> None:
    paths: list[str] = []

    def respond(exchange: Exchange) -> None:
        paths.append(exchange.path)
        page = {"data": [job_document(), job_document()], "next": f"after-{len(paths)}" if len(paths) < 3 else None}
        exchange.reply(200, json.dumps(page).encode())

    with client_of(respond) as client:
        assert len(list(client.jobs())) == 6
        next(client.jobs())

    assert paths[:3] == [f"/v1/jobs?limit=500{cursor}" for cursor in ("", "&after=after-1", "&after=after-2")]
    assert len(paths) == 4


def test_an_html_page_is_not_accepted_as_a_response() -> None:
    def welcome(exchange: Exchange) -> None:
        exchange.reply(200, b"<html>Welcome</html>")

    with client_of(welcome) as client, pytest.raises(UnexpectedResponse, match="Is this a Batchlight server"):
        client.models()


def test_a_redirect_names_its_target() -> None:
    def move(exchange: Exchange) -> None:
        exchange.reply(301, headers={"Location": "https://batchlight.example/"})

    with client_of(move) as client, pytest.raises(UnexpectedResponse, match=r"batchlight\.example/\. Use that address"):
        client.models()


def test_an_error_page_of_a_proxy_is_a_problem() -> None:
    def miss(exchange: Exchange) -> None:
        exchange.reply(404, b"<html>no such site</html>")

    with client_of(miss) as client, pytest.raises(Problem, match="Not Found") as refused:
        client.models()

    assert refused.value.code == "http_404"


def test_a_stopped_server_is_unreachable_within_seconds() -> None:
    with serving(lambda exchange: None) as url:
        pass

    started_at = time.monotonic()
    with Client(url, "key") as client, pytest.raises(Unreachable, match="Connection refused"):
        client.models()

    assert time.monotonic() - started_at < 5


def test_loopback_is_reached_without_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")

    with client_of(lambda exchange: exchange.reply(200, b'{"data": []}')) as client:
        assert client.models() == []


@pytest.mark.parametrize("address", ["localhost:8000", "", "ftp://server", "http://"])
def test_an_invalid_address_is_refused_before_anything_is_sent(address: str) -> None:
    with pytest.raises(InvalidAddress, match=r"Write it like http://127\.0\.0\.1:8000"):
        Client(address, "key")


@pytest.mark.parametrize("key", ["", " \n", "bl_1 2", "bl_\u2026"])
def test_a_malformed_key_is_refused_before_anything_is_sent(key: str) -> None:
    with pytest.raises(MissingKey):
        Client("http://127.0.0.1:8000", key)
