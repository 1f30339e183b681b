"""Every call but health needs a key with the scope; an owner sees its own."""

import httpx
import pytest

from core.states import Scope
from tests.http import ended, files, submit
from tests.stacks import RunningStack

OPEN = {"/healthz", "/readyz"}
JOB = "0" * 32


def routes(stack: RunningStack) -> list[tuple[str, str]]:
    """Every route of the API, as a method and a path of a job that is not there."""
    spec = httpx.get(f"{stack.url}/openapi.json").json()
    return [
        (method.upper(), path.replace("{job_id}", JOB).replace("{index}", "0"))
        for path, methods in spec["paths"].items()
        for method in methods
        if path not in OPEN
    ]


@pytest.mark.parametrize(
    "header", [{}, {"Authorization": "Bearer bl_00000000_" + "A" * 43}, {"Authorization": "Basic x"}]
)
def test_without_a_known_key_every_route_answers_401(either: RunningStack, header: dict[str, str]) -> None:
    for method, path in routes(either):
        response = httpx.request(method, either.url + path, headers=header)

        assert (response.status_code, path) == (401, path)
        assert response.headers["content-type"] == "application/problem+json"
        assert response.headers["www-authenticate"] == "Bearer"


def test_a_key_that_may_only_write_cannot_read_and_the_other_way_round(either: RunningStack) -> None:
    writer, reader = either.key_of("scoped", Scope.JOBS_WRITE), either.key_of("scoped", Scope.JOBS_READ)

    with either.client(writer) as client:
        read = client.get("/v1/jobs")
    with either.client(reader) as client:
        written = client.post("/v1/jobs", files=files({"a.png": b"x"}))

    assert (read.status_code, read.json()["code"]) == (403, "forbidden")
    assert written.status_code == 403


def test_another_owners_job_is_a_404_on_every_route(either: RunningStack, client: httpx.Client) -> None:
    job = ended(client, submit(client, {"a.png": b"no image"}))
    stranger = either.key_of("stranger")

    with either.client(stranger) as theirs:
        for method, path in routes(either):
            if JOB in path:
                response = theirs.request(method, path.replace(JOB, job["id"]))
                assert (response.status_code, path) == (404, path)
        assert job["id"] not in theirs.get("/v1/jobs").text


def test_health_needs_no_key(either: RunningStack) -> None:
    alive, ready = (httpx.get(f"{either.url}/{name}") for name in ("healthz", "readyz"))

    assert (alive.status_code, ready.status_code) == (200, 200)
    assert set(ready.json()["checks"].values()) == {"ok"}
