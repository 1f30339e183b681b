"""Random faults from a seed, one after another."""

import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

import psutil
import psycopg
import redis

from core.failpoints import Point
from core.states import Queue
from tests.faults.harness import FaultHarness
from tests.faults.messages import send_notifications

KILLABLE = [point for point in Point if point not in (Point.IMAGE_DECODED, Point.DELETE_COMMITTED)]


class Nemesis:
    """Injects a fault every few seconds: into servers and processes, never into an image.

    It must run in a thread that lives longer than the servers it restarts, because they die with that thread.
    """

    def __init__(self, harness: FaultHarness, *, seed: int) -> None:
        self._harness = harness
        self._random = random.Random(seed)
        self.injected: Counter[str] = Counter()

    def inject_for(self, seconds: float) -> None:
        """Inject faults for this long, and leave none in place."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            time.sleep(self._random.uniform(1, 4))
            fault = self._random.choice(self._faults())
            with suppress(psutil.NoSuchProcess):  # it has died already
                fault()
            self.injected[fault.__name__] += 1
        self._harness.failpoints.clear()

    def _faults(self) -> list[Callable[[], None]]:
        on_both = [
            self.kill_worker, self.kill_child, self.kill_maintenance, self.kill_api, self.stop_worker,
            self.freeze_child, self.crash_somewhere, self.flush_redis, self.crash_redis, self.freeze_redis,
            self.cut_redis, self.double_notifications,
        ]  # fmt: skip
        if self._harness.postgres is None:
            return on_both
        return [*on_both, self.crash_postgres, self.cut_postgres]

    def kill_worker(self) -> None:
        self._harness.process().kill()

    def kill_child(self) -> None:
        self._child().kill()

    def kill_maintenance(self) -> None:
        self._harness.process("maintenance").kill()

    def kill_api(self) -> None:
        self._harness.process("api").kill()

    def stop_worker(self) -> None:
        self._harness.process().terminate()

    def freeze_child(self) -> None:
        """Suspend a child for longer than its lease."""
        child = self._child()
        child.suspend()
        threading.Timer(self._harness.stack.settings.lease_s + 2, _resume, [child]).start()

    def crash_somewhere(self) -> None:
        self._harness.failpoints.inject(self._random.choice(KILLABLE), "kill")

    def flush_redis(self) -> None:
        with self._redis() as client:
            client.flushall()

    def crash_redis(self) -> None:
        self._harness.redis.crash()
        time.sleep(self._random.uniform(0, 2))
        self._harness.redis.start()

    def freeze_redis(self) -> None:
        server = psutil.Process(self._harness.redis.pid)
        server.send_signal(signal.SIGSTOP)
        time.sleep(self._random.uniform(1, 8))
        server.send_signal(signal.SIGCONT)

    def cut_redis(self) -> None:
        with self._redis() as client:
            client.client_kill_filter(_type="normal")
            client.client_kill_filter(_type="pubsub")

    def double_notifications(self) -> None:
        for queue in Queue:
            send_notifications(self._harness, queue, count=20)

    def crash_postgres(self) -> None:
        assert self._harness.postgres is not None
        self._harness.postgres.crash()
        time.sleep(self._random.uniform(0, 2))
        self._harness.postgres.start()

    def cut_postgres(self) -> None:
        url = self._harness.stack.settings.database_url.replace("+psycopg", "")
        with suppress(psycopg.OperationalError), psycopg.connect(url, autocommit=True, connect_timeout=5) as session:
            session.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    def _child(self) -> psutil.Process:
        while not (children := self._harness.process().children()):
            time.sleep(0.1)
        return self._random.choice(children)

    def _redis(self) -> "redis.Redis":
        return redis.Redis.from_url(self._harness.redis.url)


def _resume(process: psutil.Process) -> None:
    with suppress(psutil.NoSuchProcess):
        process.resume()
