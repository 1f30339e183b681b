"""Objects appear whole or not at all."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.errors import NotFound
from core.objects.storage import Storage, shard_key


def files_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_an_object_is_there_when_its_block_ends(tmp_path: Path) -> None:
    storage, key = Storage(tmp_path), shard_key("a" * 32, 1)

    with storage.create(key) as file:
        file.write(b"images")
        before = storage.exists(key)

    with storage.open(key) as file:
        assert (before, file.read()) == (False, b"images")
    assert files_in(tmp_path) == [key]


def test_an_object_whose_block_raises_leaves_nothing(tmp_path: Path) -> None:
    storage = Storage(tmp_path)

    def write_half() -> None:
        with storage.create("jobs/a/1") as file:
            file.write(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_half()

    assert files_in(tmp_path) == []


def test_a_missing_object_raises_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="missing"):
        Storage(tmp_path).open("jobs/a/1")


def test_deleting_a_job_removes_its_objects_and_no_others(tmp_path: Path) -> None:
    storage = Storage(tmp_path)
    for key in ("jobs/a/shards/1", "jobs/b/shards/1"):
        with storage.create(key) as file:
            file.write(b"x")

    storage.delete_job("a")
    storage.delete_job("never-there")

    assert files_in(tmp_path) == ["jobs/b/shards/1"]


def test_unfinished_files_are_cleared_when_they_are_old(tmp_path: Path) -> None:
    storage = Storage(tmp_path)
    storage.spool_folder().joinpath("left.part").write_bytes(b"x")
    time.sleep(0.02)

    storage.clear_parts(older_than_s=60)
    kept = files_in(tmp_path)
    storage.clear_parts(older_than_s=0.01)

    assert (kept, files_in(tmp_path)) == (["incoming/left.part"], [])


def test_every_new_name_is_durable_and_no_name_is_synced_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    storage, keys = Storage(tmp_path), [shard_key("a", 1), shard_key("a", 2), shard_key("b", 1)]
    synced: list[list[str]] = []

    for key in keys:
        with synced_by(monkeypatch) as paths, storage.create(key) as file:
            file.write(b"images")
        synced.append([str(path.relative_to(tmp_path)) for path in paths if path.is_dir()])

    assert synced == [
        ["jobs/a/shards", "jobs/a", "jobs", "."],
        ["jobs/a/shards"],
        ["jobs/b/shards", "jobs/b", "jobs"],
    ]


@contextmanager
def synced_by(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Path]]:
    """What the block syncs, in that order."""
    paths: list[Path] = []
    fsync = os.fsync

    def noting(descriptor: int) -> None:
        paths.append(Path(f"/proc/self/fd/{descriptor}").readlink())
        fsync(descriptor)

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", noting)
        yield paths


def test_a_removed_folder_is_made_again(tmp_path: Path) -> None:
    storage = Storage(tmp_path)
    storage.spool_folder().rmdir()

    with storage.create("jobs/a/1") as file:
        file.write(b"x")

    assert files_in(tmp_path) == ["jobs/a/1"]
