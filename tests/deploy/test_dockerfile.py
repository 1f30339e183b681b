"""The Dockerfile, checked without an engine: it is well formed, and names only what exists."""

import re
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest

from core.settings import ROOT
from tests.deploy.images import (
    DOCKERFILE,
    TARGETS,
    command,
    copies,
    environment,
    health_command,
    last,
    lay_out,
    lineage,
    requirements,
    stages,
)

ONE_SHOT = {"admin"}
HADOLINT = Path(sys.executable).with_name("hadolint")
COMPILERS = re.compile(r"\b(gcc|g\+\+|build-essential|cargo|apt-get)\b")


def sources(target: str) -> list[str]:
    return [source for stage in lineage(target) for group, _ in copies(stage) for source in group]


def test_the_linter_finds_nothing() -> None:
    done = subprocess.run([HADOLINT, DOCKERFILE], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (0, "")


def test_every_base_image_is_pinned_to_a_patch_release() -> None:
    bases = {stage.parent for stage in stages().values()} - stages().keys()

    assert bases
    assert all(re.fullmatch(r"[a-z]+:\d+\.\d+\.\d+-[a-z-]+", base) for base in bases)


def test_everything_that_is_copied_exists_and_reaches_the_build() -> None:
    rules = [line for line in (ROOT / ".dockerignore").read_text().split("\n") if line and line[0] != "#"]
    kept = [rule.removeprefix("!") for rule in rules if rule.startswith("!")]
    wanted = {source for name in stages() for source in sources(name)}

    assert "*" in rules
    assert not [source for source in wanted if not (ROOT / source).exists()]
    assert not [source for source in wanted if not any(fnmatch(source.split("/")[0], rule) for rule in kept)]


@pytest.mark.parametrize("name", TARGETS)
def test_an_image_runs_as_the_same_user_who_is_not_root(name: str) -> None:
    assert last(name, "USER") == "10001:10001"
    assert "--uid 10001" in stages()["runtime"].values("RUN")[0]


@pytest.mark.parametrize("name", TARGETS)
def test_an_image_holds_no_compiler_and_no_installer(name: str) -> None:
    line = lineage(name)

    assert "installer" not in {stage.name for stage in line}
    assert not [run for stage in line for run in stage.values("RUN") if COMPILERS.search(run)]


@pytest.mark.parametrize("name", TARGETS)
def test_an_image_installs_one_role_from_wheels_with_hashes(name: str) -> None:
    (file,) = requirements(name)
    installer = environment("installer")

    assert installer["PIP_ONLY_BINARY"] == ":all:"
    assert installer["PIP_REQUIRE_HASHES"] == "1"
    pinned = (ROOT / file).read_text()
    assert pinned.count("--hash=sha256:") >= len(re.findall(r"^[a-z0-9._-]+==", pinned, re.MULTILINE)) > 0


@pytest.mark.parametrize("name", TARGETS)
def test_what_runs_as_a_service_can_be_asked_for_its_health(name: str) -> None:
    assert (health_command(name) is None) == (name in ONE_SHOT)


@pytest.mark.parametrize("name", [name for name in TARGETS if name != "frontend"])
def test_the_modules_that_an_image_runs_are_in_it(name: str, tmp_path: Path) -> None:
    lay_out(name, tmp_path)
    words = [*command(name), *(health_command(name) or [])]

    ours = [word.partition(":")[0] for word in words if re.match(r"(api|ops|worker)\.", word)]

    assert all((tmp_path / f"{module.replace('.', '/')}.py").is_file() for module in ours)
    assert ours or name == "admin"


def test_the_api_gets_no_worker_and_no_model_and_the_worker_no_api() -> None:
    assert not {"worker/", "model/", "ops/", "frontend/"} & set(sources("api"))
    assert not {"api/", "ops/", "client/", "frontend/"} & set(sources("worker"))
    assert set(sources("frontend")) == {"client/batchlight/", "frontend/"}
