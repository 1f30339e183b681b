"""Holds the shape of the code: who imports whom, who reads the environment, how large a file may be."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# What each folder may import of ours; a whole package, or one module of it.
ARROWS = {
    "core": set[str](),
    "model": set[str](),
    "api": {"core", "model.artifact"},
    "worker": {"core", "model"},
    "training": {"model"},
    "client/batchlight": set[str](),
    "frontend": {"batchlight"},
    "migrations": {"core"},
    "ops": {"api", "batchlight", "core", "model", "worker"},
    "bench": {"api", "core", "model", "ops", "worker"},
    "bench/peers": {"bench.peers", "model"},
}
OURS = {Path(folder).name for folder in ARROWS} | {"tests"}

WEB_FRAMEWORKS = {"fastapi", "flask", "starlette", "streamlit", "uvicorn"}
MODEL_LIBRARIES = {"jax", "keras", "onnx", "onnxruntime", "tensorflow", "tf2onnx", "torch"}
BANNED_NAMES = {"base", "common", "helpers", "manager", "utils"}
MOST_LINES = 300

# Celery finds the workers' application by importing it, so that one import reads the settings.
SETTINGS = {
    "BATCHLIGHT_DATABASE_URL": "sqlite://",
    "BATCHLIGHT_REDIS_URL": "redis://127.0.0.1:1/0",
    "BATCHLIGHT_STORAGE_DIR": "nowhere",
}

# The server's settings and the page's one; the supervisor hands the environment on to a child whole and reads nothing.
MAY_SEE_ENVIRONMENT = {"core/settings.py", "frontend/settings.py", "ops/supervisor.py"}


def sources(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    """Every module this file imports, wherever in the file; `from a import b` gives a.b."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} imports relatively"
            yield from (f"{node.module}.{name.name}" for name in node.names)


def package(module: str) -> str:
    return module.partition(".")[0]


def inside(module: str, allowed: set[str]) -> bool:
    return any(module == one or module.startswith(f"{one}.") for one in allowed)


def libraries_loaded_by(folder: str, modules: list[str]) -> set[str]:
    """The top-level packages in memory after a new process imported these modules."""
    program = f"import {', '.join(modules)}, sys; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env={"PYTHONPATH": "client", **SETTINGS},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{folder} cannot be imported:\n{done.stderr}"
    return set(done.stdout.split())


def modules_of(folder: str) -> list[str]:
    top = ROOT / folder
    names = (path.relative_to(top.parent).with_suffix("").parts for path in sources(folder))
    return [".".join(parts) for parts in names if parts[-1] not in {"__init__", "__main__"}]


@pytest.mark.parametrize("folder", ARROWS)
def test_each_part_imports_only_what_the_arrows_allow(folder: str) -> None:
    allowed = ARROWS[folder] | {Path(folder).name}

    wrong = [
        f"{path.relative_to(ROOT)} imports {module}"
        for path in sources(folder)
        for module in imports(path)
        if package(module) in OURS and not inside(module, allowed)
    ]

    assert not wrong


@pytest.mark.parametrize("folder", ["core", "model", "worker", "training", "client/batchlight", "migrations", "ops"])
def test_only_the_api_and_the_frontend_know_a_web_framework(folder: str) -> None:
    known = {package(module) for path in sources(folder) for module in imports(path)}

    assert not known & WEB_FRAMEWORKS


@pytest.mark.parametrize("folder", ["core", "api", "client/batchlight", "frontend", "migrations", "ops"])
def test_a_model_library_is_known_only_to_model_and_training(folder: str) -> None:
    known = {package(module) for path in sources(folder) for module in imports(path)}

    assert not known & MODEL_LIBRARIES


@pytest.mark.parametrize("folder", ["core", "api", "client/batchlight"])
def test_importing_it_loads_no_model_library(folder: str) -> None:
    assert not libraries_loaded_by(folder, modules_of(folder)) & MODEL_LIBRARIES


def test_reading_a_manifest_loads_no_model_library() -> None:
    assert not libraries_loaded_by("model", ["model.artifact"]) & (MODEL_LIBRARIES | {"numpy"})


def test_importing_the_worker_loads_no_web_framework_and_no_model_library() -> None:
    assert not libraries_loaded_by("worker", modules_of("worker")) & (WEB_FRAMEWORKS | MODEL_LIBRARIES)


@pytest.mark.parametrize("folder", ARROWS)
def test_the_environment_is_read_only_by_the_settings(folder: str) -> None:
    readers = {
        str(path.relative_to(ROOT))
        for path in sources(folder)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "environb", "getenv"}
    }

    assert readers <= MAY_SEE_ENVIRONMENT


@pytest.mark.parametrize("folder", [*ARROWS, "tests"])
def test_files_stay_small_and_are_named_after_what_they_hold(folder: str) -> None:
    files = sources(folder)

    assert not [path for path in files if len(path.read_text().splitlines()) > MOST_LINES]
    assert not [path for path in files if path.stem in BANNED_NAMES]
