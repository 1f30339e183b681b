"""The images' roles, run with the Dockerfile's own installation steps, folders, commands and health checks."""

import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from redis import AuthenticationError, Redis
from sqlalchemy import func, select, update

from core.db.clock import db_now
from core.db.engines import open_database
from core.db.tables import Job, Shard
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
def test_an_environment_has_no_package_of_another_role(role: str, venvs: dict[str, Path]) -> None:
    program = f"import importlib.util as i; print([n for n in {ABSENT[role]} if i.find_spec(n)])"

    done = subprocess.run([venvs[role] / "bin" / "python", "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_redis_requires_the_password_persists_and_evicts_nothing(composed_redis: str) -> None:
    with Redis.from_url(composed_redis.replace(":secret@", "")) as unauthenticated, pytest.raises(AuthenticationError):
        unauthenticated.ping()

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


def test_a_stopped_worker_finishes_its_shards_and_leaves_the_rest(deployment: Deployment, samples: list[Path]) -> None:
    client = deployment.client
    many = {f"{copy}/{name}": data for copy in range(COPIES) for name, data in paths(samples).items()}
    job = submit_zip(client, zipped(many)).json()
    deployment.worker.wait_until(lambda: bool(client.get(f"/v1/jobs/{job['id']}").json()["counts"]["succeeded"]))

    status = deployment.worker.stop(images.last("worker", "STOPSIGNAL") or "", grace_s=60)

    assert status == 0, deployment.worker.log.read_text()
    assert leased(deployment.database_url) == 0
    assert {item["attempt"] for item in all_items(client, job)} == {1}


def test_maintenance_deletes_the_results_of_an_expired_job(deployment: Deployment, samples: list[Path]) -> None:
    client = deployment.client
    job = ended(client, submit_zip(client, zipped(paths(samples[:2]))).json())
    database = open_database(deployment.database_url)
    with database.write.begin() as session:
        session.execute(update(Job).where(Job.id == job["id"]).values(expires_at=db_now(plus_s=-1)))
    database.dispose()

    deployment.maintenance.wait_until(lambda: client.get(f"/v1/jobs/{job['id']}/items").status_code == 410)

    assert deployment.maintenance.stop(images.last("maintenance", "STOPSIGNAL") or "", grace_s=60) == 0


def leased(database_url: str) -> int:
    database = open_database(database_url)
    with database.read.begin() as session:
        count = session.scalar(select(func.count()).where(Shard.state == ShardState.RUNNING))
    database.dispose()
    return count or 0


def test_flower_requires_its_password(composed_redis: str, tmp_path: Path) -> None:
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


def test_the_web_ui_is_served_from_its_own_folders(tmp_path: Path) -> None:
    web_ui = Role("frontend", tmp_path / "frontend", Path(sys.prefix), {"BATCHLIGHT_URL": "http://127.0.0.1:1"})
    web_ui.lay_out()

    with ExitStack() as stack:
        _, address = start_server(web_ui, stack)

        assert httpx.get(address).status_code == 200


def test_a_stopped_api_exits_cleanly(deployment: Deployment) -> None:
    assert deployment.api.stop("SIGTERM", grace_s=45) in {0, -15}
