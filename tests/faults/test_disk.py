"""A full disk, simulated by a limit on file sizes: nothing is stored in part, and work continues with free space."""

import resource
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import psutil
import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from core.access.keys import create_key
from core.db.engines import Database, disk_is_full
from core.failpoints import Point
from tests.faults.downloads import check_archive
from tests.faults.harness import FaultHarness
from tests.faults.replicas import second_api
from tests.http import ended, files, submit_zip, zipped

IMAGES = 900
only_sqlite = pytest.mark.parametrize("harness", ["sqlite"], indirect=True)


@contextmanager
def disk_full(*processes: psutil.Process, beyond_bytes: int) -> Iterator[None]:
    """Keep these processes from writing files beyond this size while the block runs."""
    before = [process.rlimit(resource.RLIMIT_FSIZE) for process in processes]
    for process, (_, hard) in zip(processes, before, strict=True):
        process.rlimit(resource.RLIMIT_FSIZE, (beyond_bytes, hard))
    try:
        yield
    finally:
        for process, limits in zip(processes, before, strict=True):
            if process.is_running():
                process.rlimit(resource.RLIMIT_FSIZE, limits)


def send_files(client: httpx.Client, images: Mapping[str, bytes]) -> httpx.Response:
    return client.post("/v1/jobs", files=files(images))


def send_zip(client: httpx.Client, images: Mapping[str, bytes]) -> httpx.Response:
    return submit_zip(client, zipped(images))


@pytest.mark.fast_fault
@only_sqlite
@pytest.mark.parametrize("send", [send_files, send_zip])
def test_an_upload_that_does_not_fit_leaves_nothing(
    harness: FaultHarness, send: Callable[[httpx.Client, Mapping[str, bytes]], httpx.Response], tmp_path: Path
) -> None:
    before, images = (harness.jobs(), harness.files()), harness.images(100)
    with second_api(harness, tmp_path) as api, api.client() as client:
        with disk_full(api.process, beyond_bytes=20_000):
            refusal = send(client, images)
        assert (harness.jobs(), harness.files()) == before
        accepted = send(client, images)

        ended(client, accepted.json())
    assert (refusal.status_code, refusal.json()["code"]) == (507, "disk_full")
    assert refusal.headers["retry-after"]
    harness.note(f"26 disk full at an upload of {'files' if send is send_files else 'a ZIP'}")


@pytest.mark.fast_fault
@only_sqlite
def test_a_job_whose_rows_do_not_fit_leaves_nothing(harness: FaultHarness, tmp_path: Path) -> None:
    jobs, images = harness.jobs(), harness.images(1)
    with second_api(harness, tmp_path) as api, api.client() as client:
        with disk_full(api.process, beyond_bytes=2_000):
            refusal = send_zip(client, images)
        assert harness.jobs() == jobs
        accepted = send_zip(client, images)

        ended(client, accepted.json())
    assert refusal.status_code in (503, 507), refusal.text
    assert refusal.headers["retry-after"]
    harness.note("26 disk full at the rows of a submit")


@only_sqlite
def test_workers_whose_results_do_not_fit_continue_when_there_is_space(harness: FaultHarness) -> None:
    with harness.job(IMAGES) as job:
        job.wait_until_underway()
        with ExitStack() as shortage:
            shortage.enter_context(disk_full(*harness.process().children(), beyond_bytes=2_000))
            time.sleep(1)
            with job.fault("26 disk full for the workers' results for 3 s", limit_s=30):
                time.sleep(2)
                shortage.close()
        assert not job.crashes()


def test_an_archive_that_does_not_fit_is_built_when_there_is_space(harness: FaultHarness) -> None:
    images = harness.images(300)
    with harness.job(len(images)) as job:
        job.wait_for_end()
        with disk_full(*harness.process().children(), beyond_bytes=100_000):
            assert job.client.get(f"/v1/jobs/{job.id}/archive").status_code == 202
            time.sleep(3)
            assert job.client.get(f"/v1/jobs/{job.id}/archive").status_code == 202
        freed_s = time.monotonic()

        check_archive(job, images)

        harness.note("26 disk full at an archive", seconds=time.monotonic() - freed_s, limit_s=30)


@only_sqlite
def test_an_overlay_that_does_not_fit_is_drawn_when_there_is_space(harness: FaultHarness) -> None:
    with harness.job(1) as job:
        job.wait_for_end()
        harness.failpoints.inject(Point.OBJECT_WRITTEN, "about overlays full")
        refusal = job.client.get(f"/v1/jobs/{job.id}/items/0/overlay.png")
        drawn = job.client.get(f"/v1/jobs/{job.id}/items/0/overlay.png")

    assert (refusal.status_code, refusal.json()["code"]) == (503, "overlay_pending")
    assert refusal.headers["retry-after"]
    assert drawn.status_code == 200
    harness.note("26 disk full at an overlay")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_error_of_a_full_disk_in_sqlite_is_recognized(database: Database) -> None:
    with pytest.raises(OperationalError) as failure:
        fill(database)

    assert disk_is_full(failure.value)


def fill(database: Database) -> None:
    with database.write.begin() as session:
        session.execute(text("PRAGMA max_page_count = 1"))
        for number in range(1000):
            create_key(session, owner="o", name=str(number))
