"""`python -m maintenance`: runs every maintenance loop until SIGTERM or SIGINT."""

import faulthandler
import logging
import os
import signal
import sys
import threading
from collections.abc import Sequence

from core import failpoints
from core.db.engines import open_database
from core.notifier import open_notifier
from core.objects.storage import Storage
from core.settings import Settings, settings
from maintenance.cleaner import purge_overdue
from maintenance.loop import Loop
from maintenance.orphan_collector import collect_orphans
from maintenance.renotifier import renotify
from maintenance.rescuer import rescue

ORPHAN_INTERVALS = 100
"""The orphan collector runs once in so many intervals: only a crash in the middle of an upload leaves orphans."""

PASS_TIMEOUT_S = 600
"""A pass that takes longer hangs: the process prints where and exits, and its supervisor starts another."""

CHECK_INTERVAL_S = 1.0
STOP_TIMEOUT_S = 10.0
EX_TEMPFAIL = 75
"""sysexits.h: trying again may help."""


def loops(settings: Settings) -> list[Loop]:
    """Return the loops over the database, storage and Redis of these settings, not started yet."""
    database = open_database(settings.database_url)
    storage, notifier = Storage(settings.storage_dir), open_notifier(settings)
    interval_s = settings.maintenance_interval_s
    return [
        Loop("rescuer", lambda: rescue(database), interval_s=interval_s),
        Loop("renotifier", lambda: renotify(database, notifier), interval_s=interval_s),
        Loop("cleaner", lambda: purge_overdue(database, storage), interval_s=interval_s),
        Loop(
            "orphan collector",
            lambda: collect_orphans(database, storage),
            interval_s=interval_s * ORPHAN_INTERVALS,
            first_after_s=interval_s,  # a process that is often started again must collect too
        ),
    ]


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    config = settings()
    failpoints.arm(config.failpoints)
    running = loops(config)
    for loop in running:
        loop.start()
    while not stop.wait(CHECK_INTERVAL_S):
        _exit_if_hanging(running)
    for loop in running:
        loop.stop()
    for loop in running:
        loop.join(STOP_TIMEOUT_S)


def _exit_if_hanging(running: Sequence[Loop]) -> None:
    for loop in running:
        if loop.running_for_s() > PASS_TIMEOUT_S or not loop.is_alive():
            sys.stderr.write(f"The {loop.name} hangs or has died; maintenance exits to be started again.\n")
            faulthandler.dump_traceback(all_threads=True)
            os._exit(EX_TEMPFAIL)


if __name__ == "__main__":
    main()
