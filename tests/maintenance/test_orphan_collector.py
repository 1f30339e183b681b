"""The orphan collector deletes objects that no row refers to."""

from pathlib import Path

from core.db.engines import Database
from core.objects.storage import Storage, shard_key
from maintenance.orphan_collector import collect_orphans
from tests.databases import submit


def test_objects_without_a_row_are_deleted_and_others_kept(database: Database, tmp_path: Path) -> None:
    storage = Storage(tmp_path / "storage")
    with database.write.begin() as session:
        job = submit(session)
    for job_id in (job.id, "0" * 32):
        with storage.create(shard_key(job_id, 1)) as file:
            file.write(b"x")

    collect_orphans(database, storage, older_than_s=0)

    assert storage.exists(shard_key(job.id, 1))
    assert not storage.exists(shard_key("0" * 32, 1))
