"""A full disk, by a limit on the size of files: what cannot be stored is refused whole, and works again after."""

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
from tests.faults.ground import Ground
from tests.faults.replicas import second_api
from tests.http import ended, files, submit_zip, zipped

IMAGES = 900
only_sqlite = pytest.mark.parametrize("ground", ["sqlite"], indirect=True)


@contextmanager
def no_space(*processes: psutil.Process, beyond_bytes: int) -> Iterator[None]:
    """These processes can make no file longer than this."""
    before = [process.rlimit(resource.RLIMIT_FSIZE) for process in processes]
    for process, (_, hard) in zip(processes, before, strict=True):
        process.rlimit(resource.RLIMIT_FSIZE, (beyond_bytes, hard))
    try:
        yield
    finally:
        for process, limits in zip(processes, before, strict=True):
            if process.is_running():
                process.rlimit(resource.RLIMIT_FSIZE, limits)


def many_files(client: httpx.Client, images: Mapping[str, bytes]) -> httpx.Response:
    return client.post("/v1/jobs", files=files(images))


def one_zip(client: httpx.Client, images: Mapping[str, bytes]) -> httpx.Response:
    return submit_zip(client, zipped(images))


@pytest.mark.core
@only_sqlite
@pytest.mark.parametrize("send", [many_files, one_zip])
def test_an_upload_that_does_not_fit_is_refused_whole(
    ground: Ground, send: Callable[[httpx.Client, Mapping[str, bytes]], httpx.Response], tmp_path: Path
) -> None:
    before, images = (ground.jobs(), ground.files()), ground.images(100)
    with second_api(ground, tmp_path) as api, api.client() as client:
        with no_space(api.process, beyond_bytes=20_000):
            refusal = send(client, images)
        assert (ground.jobs(), ground.files()) == before
        accepted = send(client, images)

        ended(client, accepted.json())
    assert (refusal.status_code, refusal.json()["code"]) == (507, "disk_full")
    assert refusal.headers["retry-after"]
    ground.note(f"26 disk full at an upload of {'files' if send is many_files else 'a ZIP'}")


@pytest.mark.core
@only_sqlite
def test_a_job_that_the_database_has_no_space_for_is_refused_whole(ground: Ground, tmp_path: Path) -> None:
    jobs, images = ground.jobs(), ground.images(1)
    with second_api(ground, tmp_path) as api, api.client() as client:
        with no_space(api.process, beyond_bytes=2_000):
            refusal = one_zip(client, images)
        assert ground.jobs() == jobs
        accepted = one_zip(client, images)

        ended(client, accepted.json())
    assert refusal.status_code in (503, 507), refusal.text
    assert refusal.headers["retry-after"]
    ground.note("26 disk full at the rows of a submit")


@only_sqlite
def test_workers_whose_results_do_not_fit_go_on_when_there_is_space(ground: Ground) -> None:
    with ground.job(IMAGES) as run:
        run.under_way()
        with ExitStack() as shortage:
            shortage.enter_context(no_space(*ground.worker().children(), beyond_bytes=2_000))
            time.sleep(1)
            with run.fault("26 disk full for the workers' results for 3 s", limit_s=30):
                time.sleep(2)
                shortage.close()
        assert not run.crashes()


def test_an_archive_that_does_not_fit_is_built_when_there_is_space(ground: Ground) -> None:
    images = ground.images(300)
    with ground.job(len(images)) as run:
        run.end()
        with no_space(*ground.worker().children(), beyond_bytes=100_000):
            assert run.client.get(f"/v1/jobs/{run.id}/archive").status_code == 202
            time.sleep(3)
            assert run.client.get(f"/v1/jobs/{run.id}/archive").status_code == 202
        again_s = time.monotonic()

        check_archive(run, images)

        ground.note("26 disk full at an archive", seconds=time.monotonic() - again_s, limit_s=30)


@only_sqlite
def test_an_overlay_that_does_not_fit_is_drawn_when_there_is_space(ground: Ground) -> None:
    with ground.job(1) as run:
        run.end()
        ground.plant(Point.OBJECT_WRITTEN, "about overlays full")
        refusal = run.client.get(f"/v1/jobs/{run.id}/items/0/overlay.png")
        drawn = run.client.get(f"/v1/jobs/{run.id}/items/0/overlay.png")

    assert (refusal.status_code, refusal.json()["code"]) == (503, "overlay_pending")
    assert refusal.headers["retry-after"]
    assert drawn.status_code == 200
    ground.note("26 disk full at an overlay")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_sqlite_says_that_its_disk_is_full(database: Database) -> None:
    with pytest.raises(OperationalError) as failure:
        fill(database)

    assert disk_is_full(failure.value)


def fill(database: Database) -> None:
    with database.write.begin() as session:
        session.execute(text("PRAGMA max_page_count = 1"))
        for number in range(1000):
            create_key(session, owner="o", name=str(number))
