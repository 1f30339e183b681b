"""Every call except health needs a key with the right scope; an owner sees only its own jobs."""

import httpx
import pytest

from core.states import Scope
from tests.http import ended, files, submit
from tests.stacks import RunningStack

OPEN = {"/healthz", "/readyz"}
JOB = "0" * 32


def routes(stack: RunningStack) -> list[tuple[str, str]]:
    """Return the method and path of every route, the paths with the id of a job that does not exist."""
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
def test_without_a_valid_key_every_route_answers_401(each_stack: RunningStack, header: dict[str, str]) -> None:
    for method, path in routes(each_stack):
        response = httpx.request(method, each_stack.url + path, headers=header)

        assert (response.status_code, path) == (401, path)
        assert response.headers["content-type"] == "application/problem+json"
        assert response.headers["www-authenticate"] == "Bearer"


def test_a_write_key_cannot_read_and_a_read_key_cannot_write(each_stack: RunningStack) -> None:
    writer, reader = each_stack.key_of("scoped", Scope.JOBS_WRITE), each_stack.key_of("scoped", Scope.JOBS_READ)

    with each_stack.client(writer) as client:
        read = client.get("/v1/jobs")
    with each_stack.client(reader) as client:
        written = client.post("/v1/jobs", files=files({"a.png": b"x"}))

    assert (read.status_code, read.json()["code"]) == (403, "forbidden")
    assert written.status_code == 403


def test_another_owners_job_is_a_404_on_every_route(each_stack: RunningStack, client: httpx.Client) -> None:
    job = ended(client, submit(client, {"a.png": b"no image"}))
    stranger = each_stack.key_of("stranger")

    with each_stack.client(stranger) as other:
        for method, path in routes(each_stack):
            if JOB in path:
                response = other.request(method, path.replace(JOB, job["id"]))
                assert (response.status_code, path) == (404, path)
        assert job["id"] not in other.get("/v1/jobs").text


def test_health_needs_no_key(each_stack: RunningStack) -> None:
    alive, ready = (httpx.get(f"{each_stack.url}/{name}") for name in ("healthz", "readyz"))

    assert (alive.status_code, ready.status_code) == (200, 200)
    assert set(ready.json()["checks"].values()) == {"ok"}
