import json

import pytest

from batchlight import Client, Job, WaitTimeout
from tests.client.documents import JOB_ID, job_document
from tests.client.scripted_server import Exchange, serving


class Progressing:
    """A job that changes at every third request; in between, a client that sends the ETag back gets a 304."""

    def __init__(self) -> None:
        self.requests = 0
        self.not_modified = 0

    def __call__(self, exchange: Exchange) -> None:
        succeeded = min(self.requests // 3, 3)
        self.requests += 1
        headers = {"ETag": f'"{succeeded}"', "Retry-After": "0"}
        if exchange.headers["If-None-Match"] == headers["ETag"]:
            self.not_modified += 1
            exchange.reply(304, headers=headers)
        else:
            document = job_document(state="succeeded" if succeeded == 3 else "running", succeeded=succeeded)
            exchange.reply(200, json.dumps(document).encode(), headers)


def test_a_wait_reports_every_change_once_and_unchanged_jobs_cost_no_body() -> None:
    job, seen = Progressing(), list[Job]()

    with serving(job) as url, Client(url, "key") as client:
        ended = client.wait(JOB_ID, progress=seen.append)

    assert ended.succeeded
    assert [each.counts.succeeded for each in seen] == [0, 1, 2, 3]
    assert (job.requests, job.not_modified) == (10, 6)


def test_a_wait_with_a_timeout_says_that_the_job_continues_and_how_to_wait_again() -> None:
    def still_running(exchange: Exchange) -> None:
        exchange.reply(200, json.dumps(job_document()).encode())

    with (
        serving(still_running) as url,
        Client(url, "key") as client,
        pytest.raises(WaitTimeout, match=rf"0 of 3 images .* continues .* client\.wait\('{JOB_ID}'\)"),
    ):
        client.wait(JOB_ID, timeout_s=0.1)


def test_a_wait_survives_a_restart_of_the_server() -> None:
    replies = iter(["running", "down", "down", "down", "down", "succeeded"])

    def restart(exchange: Exchange) -> None:
        state = next(replies)
        if state == "down":
            exchange.hang_up()
        else:
            exchange.reply(200, json.dumps(job_document(state=state)).encode(), {"Retry-After": "0"})

    with serving(restart) as url, Client(url, "key") as client:
        assert client.wait(JOB_ID).succeeded
