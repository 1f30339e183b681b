"""Bad uploads: a problem with a stable code, and nothing is left on disk."""

import base64
import json
import resource
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import httpx
import pytest

from tests.api.conftest import SmallApi, refused
from tests.http import files, submit, submit_zip, zipped

IMAGE = b"\x89PNG not decoded on arrival"


def test_an_upload_without_images_is_refused(small: SmallApi) -> None:
    skipped_only = small.client.post("/v1/jobs", files=files({".hidden": b"x"}))

    refused(small, skipped_only, 422, "no_images")
    refused(small, submit_zip(small.client, zipped({})), 422, "no_images")
    refused(small, submit_zip(small.client, b""), 422, "bad_zip")


def test_a_body_of_an_unknown_media_type_is_refused(small: SmallApi) -> None:
    response = small.client.post("/v1/jobs", json={"images": []})

    refused(small, response, 422, "unknown_media_type")


def test_options_in_form_fields_are_refused_not_ignored(small: SmallApi) -> None:
    response = small.client.post("/v1/jobs", files=files({"a.png": IMAGE}), data={"model": "other"})

    problem = refused(small, response, 422, "not_a_file")
    assert "'model'" in str(problem["detail"])


def test_a_body_over_the_limit_is_refused_by_its_header_and_by_its_bytes(small: SmallApi) -> None:
    big = zipped({"a.png": b"x" * 1_100_000})

    stated = submit_zip(small.client, big)
    chunked = small.client.post(
        "/v1/jobs", content=iter([big[:600_000], big[600_000:]]), headers={"Content-Type": "application/zip"}
    )

    refused(small, stated, 413, "body_too_large")
    refused(small, chunked, 413, "body_too_large")


def test_more_images_than_a_request_takes_are_refused(small: SmallApi) -> None:
    images = {f"{number}.png": IMAGE for number in range(21)}

    refused(small, small.client.post("/v1/jobs", files=files(images)), 413, "too_many_images")
    refused(small, submit_zip(small.client, zipped(images)), 413, "too_many_images")


@pytest.mark.parametrize("cut", [10, 200])
def test_a_multipart_body_that_ends_early_is_refused(small: SmallApi, cut: int) -> None:
    request = small.client.build_request("POST", "/v1/jobs", files=files({"a.png": IMAGE, "b.png": IMAGE}))
    body = request.read()[:-cut]

    response = small.client.post("/v1/jobs", content=body, headers={"Content-Type": request.headers["Content-Type"]})

    refused(small, response, 422, "bad_multipart")


def test_a_client_that_goes_away_in_the_middle_leaves_nothing(small: SmallApi) -> None:
    url = urlsplit(str(small.client.base_url))
    head = (
        f"POST /v1/jobs HTTP/1.1\r\nHost: x\r\nAuthorization: {small.client.headers['authorization']}\r\n"
        "Content-Type: multipart/form-data; boundary=B\r\nContent-Length: 900000\r\n\r\n"
    )
    part = '--B\r\nContent-Disposition: form-data; name="f"; filename="a.png"\r\n\r\n' + "a" * 90_000 + "\r\n"
    with socket.create_connection((url.hostname or "", url.port or 0)) as connection:
        connection.sendall((head + 4 * part).encode())
        time.sleep(0.5)
        assert small.stored() != []

    until = time.monotonic() + 5
    while small.stored() and time.monotonic() < until:
        time.sleep(0.05)
    assert small.stored() == []
    assert small.jobs() == 0


def test_skipped_entries_count_against_the_limit_too(small: SmallApi) -> None:
    hidden = {f".{number}": b"" for number in range(21)}

    refused(small, small.client.post("/v1/jobs", files=files({**hidden, "a.png": IMAGE})), 413, "too_many_images")


def test_an_upload_that_stands_still_is_ended(small: SmallApi) -> None:
    url = urlsplit(str(small.client.base_url))
    head = (
        f"POST /v1/jobs HTTP/1.1\r\nHost: x\r\nAuthorization: {small.client.headers['authorization']}\r\n"
        "Content-Type: application/zip\r\nContent-Length: 900000\r\n\r\nPK"
    )

    with socket.create_connection((url.hostname or "", url.port or 0), timeout=20) as connection:
        connection.sendall(head.encode())
        answer = connection.recv(1000).decode()

    assert answer.startswith("HTTP/1.1 408")
    assert small.stored() == []


def test_an_upload_whose_objects_were_deleted_meanwhile_is_not_accepted(small: SmallApi) -> None:
    def slowly() -> Iterator[bytes]:
        yield body[:-100]
        until = time.monotonic() + 10
        while len(small.stored()) < 2 and time.monotonic() < until:
            time.sleep(0.01)
        for path in small.stored():
            if path.suffix == ".shard":
                path.unlink()
        yield body[-100:]

    request = small.client.build_request(
        "POST", "/v1/jobs", files=files({f"{number}.png": bytes(90_000) for number in range(9)})
    )
    body = request.read()
    response = small.client.post(
        "/v1/jobs", content=slowly(), headers={"Content-Type": request.headers["Content-Type"]}
    )

    assert (response.status_code, response.json()["code"]) == (503, "upload_lost")
    assert small.jobs() == 0


def test_invalid_ids_indexes_and_cursors_are_refused_without_a_server_error(client: httpx.Client) -> None:
    job = submit(client, {"a.png": IMAGE})["id"]
    far = [f"/v1/jobs/{job}/items/{2**63}", f"/v1/jobs/{job}/items/{2**31}/image", "/v1/jobs/%00", "/v1/jobs/%00/items"]
    cursors = [[1.0, "\ud800"], [1.0, "\0"], [True], [10**30], [float("inf"), "a"], {"a": 1}]

    statuses = {client.get(path).status_code for path in far}
    for cursor in cursors:
        after = base64.urlsafe_b64encode(json.dumps(cursor).encode()).decode()
        statuses |= {
            client.get(path, params={"after": after}).status_code for path in ("/v1/jobs", f"/v1/jobs/{job}/items")
        }
    deep = base64.urlsafe_b64encode(b"[" * 30_000).decode()
    statuses.add(client.get("/v1/jobs", params={"after": deep}).status_code)

    assert statuses <= {404, 422}


def test_a_boundary_too_long_is_a_malformed_body(small: SmallApi) -> None:
    response = small.client.post(
        "/v1/jobs", content=b"x", headers={"Content-Type": f"multipart/form-data; boundary={'b' * 300}"}
    )

    refused(small, response, 422, "bad_multipart")


def test_an_image_over_the_limit_keeps_its_index_and_the_rest_is_accepted(small: SmallApi) -> None:
    response = small.client.post("/v1/jobs", files=files({"a.png": IMAGE, "b.png": b"x" * 200_000, "c.png": IMAGE}))

    assert response.status_code == 202
    assert response.json()["counts"]["total"] == 3
    assert sum(path.stat().st_size for path in small.stored()) < 10_000


def test_a_job_is_accepted_while_redis_is_away(small: SmallApi) -> None:
    started = time.monotonic()

    response = small.client.post("/v1/jobs", files=files({f"{number}.png": IMAGE for number in range(9)}))

    ready = small.client.get("/readyz").json()
    assert (response.status_code, response.json()["state"]) == (202, "queued")
    assert time.monotonic() - started < 10
    assert (ready["status"], ready["checks"]["redis"] == "ok") == ("degraded", False)


def test_images_are_divided_into_shards_of_the_configured_size(small: SmallApi) -> None:
    small.client.post("/v1/jobs", files=files({f"{number}.png": IMAGE for number in range(9)}))

    assert len(small.stored()) == 3


def test_unknown_routes_and_methods_are_problems_too(small: SmallApi) -> None:
    missing, wrong = small.client.get("/v1/nothing"), small.client.put("/v1/jobs")

    assert (missing.status_code, missing.json()["code"]) == (404, "not_found")
    assert (wrong.status_code, wrong.json()["code"]) == (405, "method_not_allowed")


def test_a_refusal_before_the_body_was_read_ends_the_connection(small: SmallApi) -> None:
    response = small.client.post("/v1/jobs", files=files({"a.png": IMAGE}), headers={"Authorization": "Bearer wrong"})

    assert (response.status_code, response.headers["connection"]) == (401, "close")


def test_a_full_disk_is_a_507_and_leaves_nothing(small: SmallApi) -> None:
    with no_file_larger_than(max_bytes=200_000):
        response = small.client.post("/v1/jobs", files=files({f"{number}.png": b"x" * 90_000 for number in range(4)}))

    refused(small, response, 507, "disk_full")
    assert response.headers["retry-after"] == "5"


@contextmanager
def no_file_larger_than(*, max_bytes: int) -> Iterator[None]:
    """Make files of this process fail beyond this size, as on a full disk: the server runs in a thread of it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (max_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, ignored)
