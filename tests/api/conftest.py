"""The two running stacks, and an API with small limits whose storage the tests can read."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import uvicorn
from pydantic import SecretStr
from sqlalchemy import func, select

from api.app import create_app
from core.access.keys import create_key
from core.db.engines import open_database
from core.db.tables import Job
from core.settings import Settings
from ops.ports import LOOPBACK, free_port
from tests.stacks import RunningStack


@pytest.fixture(scope="session", params=["embedded", "postgres"])
def each_stack(request: pytest.FixtureRequest) -> RunningStack:
    """The embedded stack, then the same processes over Postgres and a Redis server."""
    running: RunningStack = request.getfixturevalue("stack" if request.param == "embedded" else "postgres_stack")
    return running


@pytest.fixture
def client(each_stack: RunningStack) -> Iterator[httpx.Client]:
    with each_stack.client() as opened:
        yield opened


@dataclass(frozen=True)
class SmallApi:
    """A running API without workers or Redis, and its settings."""

    client: httpx.Client
    settings: Settings

    def stored(self) -> list[Path]:
        """Return every file in storage."""
        return [path for path in self.settings.storage_dir.rglob("*") if path.is_file()]

    def jobs(self) -> int:
        database = open_database(self.settings.database_url)
        with database.read.begin() as session:
            count = session.scalar(select(func.count()).select_from(Job))
        database.dispose()
        return count or 0


@pytest.fixture
def small(tmp_path: Path, migrated_sqlite: Path) -> Iterator[SmallApi]:
    """Limits: a body of 1 MB, an image of 100 kB, 20 images, expanding to 2 MB; shards of 4 images, 2 s of silence."""
    (tmp_path / "batchlight.db").write_bytes(migrated_sqlite.read_bytes())
    settings = Settings(
        database_url=f"sqlite:///{tmp_path / 'batchlight.db'}",
        redis_url=SecretStr(f"redis://{LOOPBACK}:{free_port()}/0"),
        storage_dir=tmp_path / "storage",
        max_body_bytes=1_000_000,
        max_image_bytes=100_000,
        max_images_per_request=20,
        max_expanded_bytes=2_000_000,
        shard_images=4,
        upload_idle_s=2,
    )
    with serve(settings) as url, httpx.Client(base_url=url, headers=authorized(settings), timeout=30) as client:
        yield SmallApi(client, settings)


def authorized(settings: Settings) -> dict[str, str]:
    database = open_database(settings.database_url)
    with database.write.begin() as session:
        _, secret = create_key(session, owner="small", name="tests")
    database.dispose()
    return {"Authorization": f"Bearer {secret}"}


@contextmanager
def serve(settings: Settings) -> Iterator[str]:
    """Run a real server in a thread of its own; yield its URL."""
    port = free_port()
    config = uvicorn.Config(create_app(settings), host=LOOPBACK, port=port, log_level="warning")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield f"http://{LOOPBACK}:{port}"
    finally:
        server.should_exit = True
        thread.join()


def refused(small: SmallApi, response: httpx.Response, status: int, code: str) -> dict[str, object]:
    """Return the problem after checking its form, and that nothing of the upload is left."""
    problem: dict[str, object] = response.json()
    assert (response.status_code, problem["code"], problem["status"]) == (status, code, status), problem
    assert response.headers["content-type"] == "application/problem+json"
    assert small.stored() == []
    assert small.jobs() == 0
    return problem
