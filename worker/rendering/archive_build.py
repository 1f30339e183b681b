"""Building the archive that a client has requested: claim it, write it under its lease, commit it."""

from functools import partial

from sqlalchemy.orm import Session

from core.db.tables import Archive
from core.failpoints import Point, failpoint
from core.jobs import archives
from worker.context import Context
from worker.lease import Lease, LeaseLost, StopRequested, run_leased
from worker.rendering.archive_contents import write_archive


def build_claimed_archive(context: Context, archive_id: str, *, worker: str, stop_requested: StopRequested) -> str:
    """Claim the archive and build it; return a line for the log, and raise what made the build fail."""
    with context.database.write.begin() as session:
        archive = archives.claim(session, archive_id, worker=worker, lease_s=context.settings.lease_s)
    if archive is None:
        return "the archive is built, or another worker builds it"
    failpoint(Point.ARCHIVE_CLAIMED)

    def on_stop() -> None:
        _release(context, archive, failed=False)
        context.notifier.notify_archive(archive.id)

    return run_leased(
        partial(_build, context, archive, stop_requested=stop_requested),
        title=f"archive of job {archive.job_id[:8]}…",
        on_stop=on_stop,
        on_failure=lambda _: _release(context, archive, failed=True),
    )


def _build(context: Context, archive: Archive, *, stop_requested: StopRequested) -> None:
    settings = context.settings

    def renew(session: Session) -> bool:
        return archives.renew(session, archive, lease_s=settings.lease_s)

    with Lease(context.database.write, renew, heartbeat_s=settings.heartbeat_s, stop_requested=stop_requested) as lease:
        written = write_archive(context, archive, check=lease.check)
    failpoint(Point.ARCHIVE_STORED)
    with context.database.write.begin() as session:
        committed = archives.finish(
            session, archive, object_key=written.object_key, size_bytes=written.size_bytes, sha256=written.sha256
        )
    failpoint(Point.ARCHIVE_COMMITTED)
    if not committed:
        context.storage.delete(written.object_key)
        raise LeaseLost


def _release(context: Context, archive: Archive, *, failed: bool) -> None:
    with context.database.write.begin() as session:
        archives.release(session, archive, failed=failed)
