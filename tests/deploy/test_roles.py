"""The images' roles, run as they stand: the Dockerfile's own install steps, folders, commands and health checks."""

import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from redis import AuthenticationError, Redis
from sqlalchemy import func, select

from core.db.engines import open_database
from core.db.tables import Shard
from core.states import ShardState
from tests.deploy import images
from tests.deploy.conftest import Deployment, start_server
from tests.deploy.containers import Role
from tests.http import all_items, archive, ended, files, paths, submit_zip, zipped

ABSENT = {
    "api": ("numpy", "PIL", "onnxruntime", "tensorflow", "keras", "streamlit", "pip"),
    "worker": ("fastapi", "uvicorn", "streamlit", "tensorflow", "keras", "pip"),
}
COPIES = 8

pytestmark = pytest.mark.timeout(300)


@pytest.mark.parametrize("role", ABSENT)
def test_an_environment_holds_what_its_role_needs_and_nothing_of_another(role: str, venvs: dict[str, Path]) -> None:
    program = f"import importlib.util as i; print([n for n in {ABSENT[role]} if i.find_spec(n)])"

    done = subprocess.run([venvs[role] / "bin" / "python", "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_redis_asks_for_the_password_keeps_its_bells_and_evicts_none(composed_redis: str) -> None:
    with Redis.from_url(composed_redis.replace(":secret@", "")) as stranger, pytest.raises(AuthenticationError):
        stranger.ping()

    with Redis.from_url(composed_redis, decode_responses=True) as client:
        assert client.config_get("appendonly") == {"appendonly": "yes"}
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}


def test_the_roles_classify_a_job_together(deployment: Deployment, samples: list[Path]) -> None:
    client, pictures = deployment.client, paths(samples[:40])

    prediction = client.post("/predict", files=files(paths(samples[:1])))
    job = ended(client, submit_zip(client, zipped(pictures)).json())

    assert prediction.status_code == 200, prediction.text
    assert (job["state"], job["counts"]["succeeded"]) == ("succeeded", len(pictures))
    assert archive(client, job).status_code == 200


def test_a_stopped_worker_finishes_what_it_holds_and_leaves_the_rest(
    deployment: Deployment, samples: list[Path]
) -> None:
    client = deployment.client
    many = {f"{copy}/{name}": data for copy in range(COPIES) for name, data in paths(samples).items()}
    job = submit_zip(client, zipped(many)).json()
    deployment.worker.becomes(lambda: bool(client.get(f"/v1/jobs/{job['id']}").json()["counts"]["succeeded"]))

    status = deployment.worker.stop(images.last("worker", "STOPSIGNAL") or "", grace_s=60)

    assert status == 0, deployment.worker.log.read_text()
    assert leased(deployment.database_url) == 0
    assert {item["attempt"] for item in all_items(client, job)} == {1}


def leased(database_url: str) -> int:
    database = open_database(database_url)
    with database.read.begin() as session:
        count = session.scalar(select(func.count()).where(Shard.state == ShardState.RUNNING))
    database.dispose()
    return count or 0


def test_flower_shows_nothing_to_who_does_not_know_its_password(composed_redis: str, tmp_path: Path) -> None:
    settings = {
        "BATCHLIGHT_DATABASE_URL": "sqlite://",
        "BATCHLIGHT_REDIS_URL": composed_redis,
        "BATCHLIGHT_STORAGE_DIR": "nowhere",
        "FLOWER_BASIC_AUTH": "batchlight:secret",
    }
    flower = Role("flower", tmp_path / "flower", Path(sys.prefix), settings)
    flower.lay_out()

    with ExitStack() as stack:
        _, address = start_server(flower, stack)

        assert httpx.get(f"{address}/workers").status_code == 401
        assert httpx.get(f"{address}/workers", auth=("batchlight", "secret")).status_code == 200


def test_the_page_is_served_from_its_own_folders(tmp_path: Path) -> None:
    page = Role("frontend", tmp_path / "frontend", Path(sys.prefix), {"BATCHLIGHT_URL": "http://127.0.0.1:1"})
    page.lay_out()

    with ExitStack() as stack:
        _, address = start_server(page, stack)

        assert httpx.get(address).status_code == 200


def test_a_stopped_api_ends_in_good_order(deployment: Deployment) -> None:
    assert deployment.api.stop("SIGTERM", grace_s=45) in {0, -15}
