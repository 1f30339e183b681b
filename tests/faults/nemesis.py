"""Random faults from a seed, one after another, until its block ends."""

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
from core.notifier import open_notifier
from core.states import Queue
from tests.faults.ground import Ground

KILLABLE = [point for point in Point if point not in (Point.IMAGE_DECODED, Point.DELETE_COMMITTED)]


class Nemesis:
    """Strikes every few seconds. What it does is only the servers' and the processes' fault, never an image's.

    It must run in a thread that outlives the servers it starts again: they die with that thread.
    """

    def __init__(self, ground: Ground, *, seed: int) -> None:
        self._ground = ground
        self._dice = random.Random(seed)
        self.struck: Counter[str] = Counter()

    def strike_for(self, seconds: float) -> None:
        """Returns when the time is over and no fault is left in place."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            time.sleep(self._dice.uniform(1, 4))
            strike = self._dice.choice(self._strikes())
            with suppress(psutil.NoSuchProcess):  # it had died already
                strike()
            self.struck[strike.__name__] += 1
        self._ground.clear()

    def _strikes(self) -> list[Callable[[], None]]:
        everywhere = [
            self.kill_worker, self.kill_child, self.kill_sweep, self.kill_api, self.stop_worker, self.freeze_child,
            self.crash_somewhere, self.flush_redis, self.crash_redis, self.freeze_redis, self.cut_redis,
            self.double_bells,
        ]  # fmt: skip
        if self._ground.postgres is None:
            return everywhere
        return [*everywhere, self.crash_postgres, self.cut_postgres]

    def kill_worker(self) -> None:
        self._ground.worker().kill()

    def kill_child(self) -> None:
        self._child().kill()

    def kill_sweep(self) -> None:
        self._ground.worker("sweep").kill()

    def kill_api(self) -> None:
        self._ground.worker("api").kill()

    def stop_worker(self) -> None:
        self._ground.worker().terminate()

    def freeze_child(self) -> None:
        """Longer than its lease."""
        child = self._child()
        child.suspend()
        threading.Timer(self._ground.stack.settings.lease_s + 2, _thaw, [child]).start()

    def crash_somewhere(self) -> None:
        self._ground.plant(self._dice.choice(KILLABLE), "kill")

    def flush_redis(self) -> None:
        with self._redis() as client:
            client.flushall()

    def crash_redis(self) -> None:
        self._ground.redis.crash()
        time.sleep(self._dice.uniform(0, 2))
        self._ground.redis.start()

    def freeze_redis(self) -> None:
        server = psutil.Process(self._ground.redis.pid)
        server.send_signal(signal.SIGSTOP)
        time.sleep(self._dice.uniform(1, 8))
        server.send_signal(signal.SIGCONT)

    def cut_redis(self) -> None:
        with self._redis() as client:
            client.client_kill_filter(_type="normal")
            client.client_kill_filter(_type="pubsub")

    def double_bells(self) -> None:
        notifier = open_notifier(self._ground.stack.settings)
        for queue in Queue:
            notifier.notify_queue(queue, shards=20)

    def crash_postgres(self) -> None:
        assert self._ground.postgres is not None
        self._ground.postgres.crash()
        time.sleep(self._dice.uniform(0, 2))
        self._ground.postgres.start()

    def cut_postgres(self) -> None:
        url = self._ground.stack.settings.database_url.replace("+psycopg", "")
        with suppress(psycopg.OperationalError), psycopg.connect(url, autocommit=True, connect_timeout=5) as session:
            session.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    def _child(self) -> psutil.Process:
        while not (children := self._ground.worker().children()):
            time.sleep(0.1)
        return self._dice.choice(children)

    def _redis(self) -> "redis.Redis":
        return redis.Redis.from_url(self._ground.redis.url)


def _thaw(process: psutil.Process) -> None:
    with suppress(psutil.NoSuchProcess):
        process.resume()
