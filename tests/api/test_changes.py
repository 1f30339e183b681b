"""Cancel, retry and delete over HTTP, while real workers run."""

import time
from pathlib import Path
from typing import Any

import httpx

from tests.http import all_items, archive, ended, paths, submit, submit_zip, zipped


def many(samples: list[Path], *, copies: int) -> dict[str, bytes]:
    return {f"{copy}/{name}": data for copy in range(copies) for name, data in paths(samples).items()}


def wait_until_begun(client: httpx.Client, job: dict[str, Any]) -> None:
    until = time.monotonic() + 30
    while not client.get(f"/v1/jobs/{job['id']}").json()["counts"]["succeeded"]:
        assert time.monotonic() < until, "the job did not begin"
        time.sleep(0.01)


def test_a_cancelled_job_ends_soon_and_keeps_what_was_done(client: httpx.Client, samples: list[Path]) -> None:
    job = submit_zip(client, zipped(many(samples, copies=12))).json()
    wait_until_begun(client, job)

    asked = client.post(f"/v1/jobs/{job['id']}/cancel")
    asked_at = time.monotonic()
    done = ended(client, job)

    counts = done["counts"]
    assert asked.status_code == 200
    assert time.monotonic() - asked_at < 5
    assert (done["state"], counts["cancelled"] > 0, counts["succeeded"] > 0) == ("cancelled", True, True)
    assert len(all_items(client, job)) == counts["succeeded"]
    last = client.get(f"/v1/jobs/{job['id']}/items/{counts['total'] - 1}")
    assert (last.status_code, last.json()["code"]) == (404, "item_cancelled")
    assert archive(client, job).status_code == 200


def test_a_retry_runs_the_failed_images_once_more(client: httpx.Client, samples: list[Path]) -> None:
    job = ended(client, submit(client, {"good.png": samples[0].read_bytes(), "bad.png": b"no image"}))
    before = all_items(client, job)

    retried = client.post(f"/v1/jobs/{job['id']}/retry").json()
    done = ended(client, job)

    after = all_items(client, job)
    assert (retried["run"], retried["ended_at"], retried["counts"]["queued"]) == (2, None, 1)
    assert (done["state"], done["run"]) == ("partially_succeeded", 2)
    assert after[0] == before[0]
    assert (after[1]["error"], after[1]["name"]) == (before[1]["error"], "bad.png")


def test_a_deleted_job_is_gone_and_its_objects_with_it(client: httpx.Client, samples: list[Path]) -> None:
    job = submit_zip(client, zipped(many(samples, copies=12))).json()
    wait_until_begun(client, job)

    deleted = client.delete(f"/v1/jobs/{job['id']}")

    tombstone = client.get(f"/v1/jobs/{job['id']}").json()
    statuses = {client.get(f"/v1/jobs/{job['id']}/{what}").status_code for what in ("items", "items/0", "archive")}
    statuses |= {
        client.delete(f"/v1/jobs/{job['id']}").status_code,
        client.post(f"/v1/jobs/{job['id']}/retry").status_code,
    }
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert (tombstone["state"], tombstone["purged_at"] is not None) == ("cancelled", True)
    assert statuses == {410}


def test_cancel_and_retry_of_a_succeeded_job_are_conflicts(client: httpx.Client, samples: list[Path]) -> None:
    job = ended(client, submit(client, paths(samples[:1])))

    codes = [client.post(f"/v1/jobs/{job['id']}/{action}").json()["code"] for action in ("cancel", "retry")]

    assert codes == ["job_ended", "nothing_to_retry"]
