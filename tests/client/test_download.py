import random
from collections.abc import Callable
from pathlib import Path

import pytest

from batchlight import Client, ConnectionLost, InvalidDestination, Problem
from tests.client.documents import JOB_ID
from tests.client.scripted_server import Exchange, serving

ARCHIVE = random.Random(7).randbytes(300_000)


class Archive:
    """Serves an archive by Range and If-Range, cutting the connection after `cuts` bytes of the next responses."""

    def __init__(self, *, content: bytes = ARCHIVE, etag: str = '"v1"', cuts: tuple[int, ...] = ()) -> None:
        self.content = content
        self.etag = etag
        self.cuts = list(cuts)
        self.ranges: list[str | None] = []

    def __call__(self, exchange: Exchange) -> None:
        requested = exchange.headers["Range"]
        self.ranges.append(requested)
        fits = exchange.headers["If-Range"] == self.etag
        start = int(requested.removeprefix("bytes=").rstrip("-")) if requested and fits else 0
        if start >= len(self.content):
            exchange.reply(416, headers={"Content-Range": f"bytes */{len(self.content)}"})
            return
        rest = self.content[start:]
        headers = {"ETag": self.etag, "Content-Length": str(len(rest))}
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(self.content) - 1}/{len(self.content)}"
        cut = self.cuts.pop(0) if self.cuts else len(rest)
        exchange.reply(206 if start else 200, rest[:cut], headers)
        if cut < len(rest):
            exchange.hang_up()


def fetch(server: Callable[[Exchange], None], to: Path) -> Path:
    with serving(server) as url, Client(url, "key") as client:
        return client.download(JOB_ID, to)


@pytest.fixture
def to(tmp_path: Path) -> Path:
    return tmp_path / "results.zip"


def files_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_download_that_is_cut_off_continues_where_it_stopped(to: Path) -> None:
    archive = Archive(cuts=(100_000, 50_000))

    fetch(archive, to)

    assert to.read_bytes() == ARCHIVE
    assert archive.ranges == [None, "bytes=100000-", "bytes=150000-"]
    assert files_in(to.parent) == ["results.zip"]


def test_a_later_download_continues_where_the_last_one_gave_up(to: Path) -> None:
    with pytest.raises(ConnectionLost, match=r"stopped at 100,000 bytes. Download again"):
        fetch(Archive(cuts=(100_000, 0)), to)
    assert files_in(to.parent) == ["results.zip.part", "results.zip.part.etag"]

    second = Archive()
    fetch(second, to)

    assert second.ranges == ["bytes=100000-"]
    assert to.read_bytes() == ARCHIVE


def test_a_rebuilt_archive_is_downloaded_from_its_start(to: Path) -> None:
    with pytest.raises(ConnectionLost):
        fetch(Archive(cuts=(100_000, 0)), to)

    fetch(Archive(content=ARCHIVE[::-1], etag='"v2"'), to)

    assert to.read_bytes() == ARCHIVE[::-1]


def test_a_complete_partial_file_is_only_renamed(to: Path) -> None:
    to.with_name("results.zip.part").write_bytes(ARCHIVE)
    to.with_name("results.zip.part.etag").write_text('"v1"')

    fetch(Archive(), to)

    assert to.read_bytes() == ARCHIVE
    assert files_in(to.parent) == ["results.zip"]


def test_a_partial_file_that_is_too_long_is_discarded(to: Path) -> None:
    to.with_name("results.zip.part").write_bytes(ARCHIVE + b"?")
    to.with_name("results.zip.part.etag").write_text('"v1"')

    fetch(Archive(), to)

    assert to.read_bytes() == ARCHIVE


def test_a_download_with_a_weak_etag_starts_again(to: Path) -> None:
    archive = Archive(etag='W/"v1"', cuts=(100_000,))

    fetch(archive, to)

    assert archive.ranges == [None, None]
    assert to.read_bytes() == ARCHIVE


def test_the_download_waits_while_the_archive_is_built(to: Path) -> None:
    building = iter([True, True, False])

    def build_then_serve(exchange: Exchange) -> None:
        if next(building):
            exchange.reply(202, b"{}", {"Retry-After": "0"})
        else:
            exchange.reply(200, ARCHIVE, {"ETag": '"v1"'})

    fetch(build_then_serve, to)

    assert to.read_bytes() == ARCHIVE


def test_a_refused_download_leaves_no_file(to: Path) -> None:
    refusal = b'{"code": "job_not_finished", "title": "Conflict", "detail": "The job is running."}'

    with pytest.raises(Problem, match="The job is running"):
        fetch(lambda exchange: exchange.reply(409, refusal), to)

    assert files_in(to.parent) == []


def test_progress_counts_the_whole_archive_after_a_resume(to: Path) -> None:
    seen: list[tuple[int, int]] = []
    with serving(Archive(cuts=(100_000,))) as url, Client(url, "key") as client:
        client.download(JOB_ID, to, progress=lambda done, total: seen.append((done, total)))

    assert {total for _, total in seen} == {len(ARCHIVE)}
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1][0] == len(ARCHIVE)


def test_a_missing_folder_is_reported_before_anything_is_requested(tmp_path: Path) -> None:
    archive = Archive()

    with pytest.raises(InvalidDestination, match=r"its folder does not exist\. Create it: mkdir -p .*missing"):
        fetch(archive, tmp_path / "missing" / "results.zip")

    assert archive.ranges == []


def test_a_folder_gets_the_archive_under_the_name_of_its_job(tmp_path: Path) -> None:
    assert fetch(Archive(), tmp_path) == tmp_path / f"batchlight-{JOB_ID}.zip"
