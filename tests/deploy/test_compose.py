"""docker-compose.yml, checked without Docker: it is valid, safe by default, and refers only to what exists."""

import re
import subprocess
import sys
import tomllib

import pytest

from core.settings import ROOT, Settings
from tests.deploy import composition
from tests.deploy.composition import COMPOSE, built, document, example, seconds, services, target, variables
from tests.deploy.images import DOCKERFILE, command, health_command, last, stages

FOREIGN_VARIABLES = {
    "BATCHLIGHT_URL": "the client and the web UI",
    "FLOWER_BASIC_AUTH": "Flower",
    "FLOWER_READ_ONLY": "Flower",
    "FLOWER_TASKS_COLUMNS": "Flower",
    "POSTGRES_DB": "the Postgres image",
    "POSTGRES_PASSWORD": "the Postgres image",
    "POSTGRES_USER": "the Postgres image",
    "REDISCLI_AUTH": "valkey-cli",
    "WEB_CONCURRENCY": "uvicorn",
}
"""Variables that are no settings of the server, with the program that reads each."""

SECRET = re.compile(r"PASSWORD|SECRET|TOKEN|KEY")
WORKERS = ("worker-bulk", "worker-interactive", "worker-gpu")
WITHOUT_HEALTH_CHECK = {"maintenance"}
SETTINGS = {
    "BATCHLIGHT_DATABASE_URL": "sqlite://",
    "BATCHLIGHT_REDIS_URL": "redis://127.0.0.1:1/0",
    "BATCHLIGHT_STORAGE_DIR": "nowhere",
}


def test_it_follows_the_schema_of_the_compose_specification() -> None:
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(COMPOSE)]

    done = subprocess.run(check, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout


def test_the_services_are_those_of_the_documentation() -> None:
    parts = {"postgres", "redis", "migrate", "api", "maintenance", *WORKERS, "flower", "frontend", "admin"}

    assert set(services()) == parts


@pytest.mark.parametrize("name", built())
def test_an_image_is_built_from_a_target_that_exists(name: str) -> None:
    build = built()[name]["build"]

    assert (ROOT / build["context"] / build["dockerfile"]).resolve() == DOCKERFILE
    assert build["target"] in stages()


def test_every_image_is_pinned() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    foreign = {service["image"] for name, service in services().items() if name not in built()}

    assert all(re.fullmatch(r"[a-z/]+:\d+\.\d+(\.\d+)?-[a-z]+", image) for image in foreign)
    images = {service["image"] for service in built().values()}
    assert images == {f"batchlight-{target(one)}:${{IMAGE_TAG:-{version}}}" for one in built().values()}


def test_every_environment_variable_is_a_setting_or_belongs_to_a_listed_program() -> None:
    listed = {f"BATCHLIGHT_{field.upper()}" for field in Settings.model_fields} | FOREIGN_VARIABLES.keys()
    used = {variable for _, variable in composition.environment_names()}

    assert not used - listed
    assert not FOREIGN_VARIABLES.keys() - used


def test_no_secret_has_a_default_and_everything_else_has_one() -> None:
    for name, operator, rest in variables():
        assert operator == (":?" if SECRET.search(name) else ":-"), name
        assert rest, name


def test_a_secret_is_never_written_into_the_file() -> None:
    for service, name in composition.environment_names():
        value = str(services()[service]["environment"][name])
        assert "${" in value or not re.search(r"PASSWORD|AUTH|SECRET|//\S*:\S*@", f"{name} {value}"), name


def test_the_example_explains_every_variable_and_sets_no_secret() -> None:
    shown = example()

    assert shown.keys() == {name for name, _, _ in variables()}
    for name, operator, rest in variables():
        assert shown[name] == (("", True) if operator == ":?" else (rest, False))


@pytest.mark.parametrize("name", services())
def test_a_service_waits_only_for_services_with_a_health_check_or_an_end(name: str) -> None:
    for needed, how in services()[name].get("depends_on", {}).items():
        other = services()[needed]
        if how["condition"] == "service_healthy":
            assert "healthcheck" in other or health_command(target(other))
        else:
            assert (how["condition"], other["restart"]) == ("service_completed_successfully", "no")


@pytest.mark.parametrize("name", services())
def test_a_service_that_keeps_running_is_restarted_and_has_a_health_check(name: str) -> None:
    service = services()[name]
    if service["restart"] == "no":
        return

    assert service["restart"] == "unless-stopped"
    if name in WITHOUT_HEALTH_CHECK:
        assert service["healthcheck"] == {"disable": True}
    elif name in built():
        assert health_command(target(service))
    else:
        assert service["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}


def test_a_worker_is_given_longer_to_stop_than_it_needs() -> None:
    program = "from worker.runtime.app import app; print(app.conf.worker_soft_shutdown_timeout)"
    own = subprocess.run([sys.executable, "-c", program], env=SETTINGS, cwd=ROOT, capture_output=True, check=True)

    shortest = min(seconds(services()[name]["stop_grace_period"]) for name in WORKERS)

    assert shortest > float(own.stdout) + Settings.model_fields["lease_s"].default
    assert {last(target(services()[name]), "STOPSIGNAL") for name in WORKERS} == {"SIGTERM"}


def test_the_api_is_given_longer_to_stop_than_its_open_requests() -> None:
    arguments = command("api")
    own = int(arguments[arguments.index("--timeout-graceful-shutdown") + 1])

    assert seconds(services()["api"]["stop_grace_period"]) > own


def test_api_workers_and_maintenance_share_one_storage() -> None:
    users = {name for name, service in services().items() if "storage:/data/storage" in service.get("volumes", [])}

    assert users == {"api", "maintenance", *WORKERS}
    assert {services()[name]["environment"]["BATCHLIGHT_STORAGE_DIR"] for name in users} == {"/data/storage"}


def test_every_volume_and_network_that_is_used_is_declared() -> None:
    mounts = {mount.partition(":")[0] for service in services().values() for mount in service.get("volumes", [])}
    networks = {network for service in services().values() for network in service["networks"]}

    assert mounts == document()["volumes"].keys()
    assert networks == document()["networks"].keys()


def test_only_loopback_is_published_and_the_servers_not_at_all() -> None:
    published = {name: service["ports"] for name, service in services().items() if "ports" in service}

    assert published.keys() == {"api", "flower", "frontend"}
    assert all(port.startswith("127.0.0.1:") for ports in published.values() for port in ports)
    assert services()["flower"]["profiles"] == ["flower"]


def test_workers_maintenance_and_servers_have_no_access_to_the_internet() -> None:
    assert document()["networks"]["inside"] == {"internal": True}
    assert all(services()[name]["networks"] == ["inside"] for name in ("postgres", "redis", "maintenance", *WORKERS))


@pytest.mark.parametrize("name", built())
def test_a_container_can_change_nothing_but_its_data(name: str) -> None:
    service = services()[name]

    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert {"mem_limit", "pids_limit"} <= service.keys()


def test_the_gpu_worker_starts_only_with_its_profile_and_takes_a_gpu() -> None:
    gpu = services()["worker-gpu"]

    (device,) = gpu["deploy"]["resources"]["reservations"]["devices"]

    assert gpu["profiles"] == ["gpu"]
    assert (device["driver"], device["capabilities"]) == ("nvidia", ["gpu"])


@pytest.mark.parametrize("guide", ["README.md", "docs/deploy.md"])
def test_the_guides_name_services_and_profiles_that_exist(guide: str) -> None:
    text = (ROOT / guide).read_text()
    named = set(re.findall(r"compose (?:run|exec)(?: -\S+)* ([a-z-]+)", text))
    scaled = set(re.findall(r"--scale ([a-z-]+)=", text))

    profiles = {profile for service in services().values() for profile in service.get("profiles", [])}

    assert named
    assert named | scaled <= services().keys()
    assert set(re.findall(r"--profile ([a-z]+)", text)) <= profiles
