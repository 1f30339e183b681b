"""The Dockerfile, checked without Docker: it is valid, and refers only to what exists."""

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
    WORKDIR,
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

WITHOUT_HEALTH_CHECK = {"admin", "maintenance"}
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
def test_an_image_runs_in_the_same_folder_as_the_same_user_who_is_not_root(name: str) -> None:
    assert last(name, "WORKDIR") == WORKDIR
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
def test_a_service_with_a_port_or_a_queue_has_a_health_check(name: str) -> None:
    assert (health_command(name) is None) == (name in WITHOUT_HEALTH_CHECK)


@pytest.mark.parametrize("name", [name for name in TARGETS if name != "frontend"])
def test_the_modules_that_an_image_runs_are_in_it(name: str, tmp_path: Path) -> None:
    lay_out(name, tmp_path)
    arguments = [*command(name), *(health_command(name) or [])]

    modules = [word.partition(":")[0] for word in arguments if re.match(r"(api|ops|worker)\.|maintenance$", word)]

    files = [tmp_path / module.replace(".", "/") for module in modules]
    assert all(file.with_suffix(".py").is_file() or (file / "__main__.py").is_file() for file in files)
    assert modules or name == "admin"


def test_an_image_holds_the_folders_of_its_role_only() -> None:
    assert not {"worker/", "model/", "ops/", "frontend/"} & set(sources("api"))
    assert not {"api/", "ops/", "client/", "frontend/"} & set(sources("worker"))
    assert set(sources("maintenance")) == {"core/", "maintenance/"}
    assert set(sources("frontend")) == {"client/batchlight/", "frontend/"}
