"""Holds the shape of the code: which package imports which, how large a file and a package may be, where errors end."""

import ast
import graphlib
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

ARROWS = {
    "core": set[str](),
    "model": set[str](),
    "api": {"core", "model.artifact"},
    "worker": {"core", "model"},
    "maintenance": {"core"},
    "training": {"model"},
    "client/batchlight": set[str](),
    "frontend": {"batchlight"},
    "migrations": {"core"},
    "ops": {"api", "batchlight", "core", "maintenance", "model", "worker"},
    "servers": {"ops"},
    "bench": {"api", "core", "model", "ops", "servers", "worker"},
    "bench/peers": {"bench.peers", "model"},
    "examples": {"batchlight"},
}
"""What each package may import of this repository: a whole package, or one module of it."""

OURS = {Path(folder).name for folder in ARROWS} | {"tests"}

ROOM_ARROWS = {
    "core.db": {"core.objects", "core.access", "core.jobs"},
    "core.objects": {"core.jobs", "core.access"},
    "model.explanation": set[str](),
    "worker.inference": {"worker.runtime", "worker.rendering"},
    "worker.rendering": {"worker.runtime", "worker.inference"},
    "api.uploads": {"api.routes"},
}
"""What a room must not import."""

WEB_FRAMEWORKS = {"fastapi", "flask", "starlette", "streamlit", "uvicorn"}
MODEL_LIBRARIES = {"jax", "keras", "onnx", "onnxruntime", "tensorflow", "tf2onnx", "torch"}
BANNED_NAMES = {"base", "common", "helpers", "manager", "utils"}
MAX_LINES = 250
MAX_TEST_LINES = 300
MAX_MODULES = 12

CATCH_EVERYTHING = {"worker/lease.py", "model/network.py"}
"""The edge of a Celery task; and Keras' loader of weights, which raises a bare Exception for a failed download."""

SETTINGS = {
    "BATCHLIGHT_DATABASE_URL": "sqlite://",
    "BATCHLIGHT_REDIS_URL": "redis://127.0.0.1:1/0",
    "BATCHLIGHT_STORAGE_DIR": "nowhere",
}
"""Celery finds the workers' application by importing it, so that one import reads the settings."""

MAY_SEE_ENVIRONMENT = {"core/settings.py", "frontend/settings.py", "ops/supervisor.py"}
"""The settings of server and web UI; the supervisor passes the environment on to a child and reads nothing."""


def sources(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def imports(path: Path) -> Iterator[str]:
    """Every module this file imports, wherever in the file; `from a import b` gives a.b."""
    for node in ast.walk(tree(path)):
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


def module_name(path: Path, folder: str) -> str:
    parts = path.relative_to((ROOT / folder).parent).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def modules_of(folder: str) -> list[str]:
    return [module_name(path, folder) for path in sources(folder) if path.stem not in {"__init__", "__main__"}]


@cache
def import_graph() -> Mapping[str, set[str]]:
    """Which module imports which, of all packages of this repository but the tests."""
    top = [folder for folder in ARROWS if "/" not in folder or folder == "client/batchlight"]
    paths = {module_name(path, folder): path for folder in top for path in sources(folder)}
    graph: dict[str, set[str]] = {}
    for name, path in paths.items():
        named = (module if module in paths else module.rpartition(".")[0] for module in imports(path))
        graph[name] = {module for module in named if module in paths and module != name}
    return graph


def room(module: str) -> str | None:
    """The sub-package directly below the top package that holds this module; None for a module beside the rooms."""
    parts = module.split(".")
    is_package = (ROOT / "/".join(parts[:2])).is_dir() or (ROOT / "client" / "/".join(parts[:2])).is_dir()
    return ".".join(parts[:2]) if len(parts) > 1 and is_package else None


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


def test_no_modules_import_each_other_in_a_circle() -> None:
    list(graphlib.TopologicalSorter(import_graph()).static_order())  # raises CycleError, which names the circle


def test_no_rooms_of_a_package_import_each_other_in_a_circle() -> None:
    rooms: dict[str, set[str]] = {}
    for module, imported in import_graph().items():
        for other in imported:
            if (importer := room(module)) and (target := room(other)) and importer != target:
                rooms.setdefault(importer, set()).add(target)

    list(graphlib.TopologicalSorter(rooms).static_order())


@pytest.mark.parametrize(("folder", "banned"), ROOM_ARROWS.items())
def test_a_room_does_not_import_what_stands_above_it(folder: str, banned: set[str]) -> None:
    imported = {other for module, others in import_graph().items() if inside(module, {folder}) for other in others}

    assert not [module for module in imported if inside(module, banned)]


@pytest.mark.parametrize(
    "folder", ["core", "model", "worker", "maintenance", "training", "client/batchlight", "migrations", "ops"]
)
def test_only_the_api_and_the_frontend_know_a_web_framework(folder: str) -> None:
    known = {package(module) for path in sources(folder) for module in imports(path)}

    assert not known & WEB_FRAMEWORKS


@pytest.mark.parametrize("folder", ["core", "api", "maintenance", "client/batchlight", "frontend", "migrations", "ops"])
def test_a_model_library_is_known_only_to_model_and_training(folder: str) -> None:
    known = {package(module) for path in sources(folder) for module in imports(path)}

    assert not known & MODEL_LIBRARIES


@pytest.mark.parametrize("folder", ["core", "api", "maintenance", "client/batchlight"])
def test_importing_it_loads_no_model_library(folder: str) -> None:
    assert not libraries_loaded_by(folder, modules_of(folder)) & MODEL_LIBRARIES


def test_reading_a_manifest_loads_no_model_library() -> None:
    assert not libraries_loaded_by("model", ["model.artifact"]) & (MODEL_LIBRARIES | {"numpy"})


def test_importing_the_worker_loads_no_web_framework_and_no_model_library() -> None:
    assert not libraries_loaded_by("worker", modules_of("worker")) & (WEB_FRAMEWORKS | MODEL_LIBRARIES)


@pytest.mark.parametrize("folder", sorted(ARROWS.keys() - {"examples"}))  # an example is a client's own program
def test_the_environment_is_read_only_by_the_settings(folder: str) -> None:
    readers = {
        str(path.relative_to(ROOT))
        for path in sources(folder)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "environb", "getenv"}
    }

    assert readers <= MAY_SEE_ENVIRONMENT


@pytest.mark.parametrize("folder", [*ARROWS, "tests"])
def test_files_stay_small_and_are_named_after_what_they_hold(folder: str) -> None:
    files, limit = sources(folder), MAX_TEST_LINES if folder == "tests" else MAX_LINES

    assert not [path for path in files if len(path.read_text().splitlines()) > limit]
    assert not [path for path in files if path.stem in BANNED_NAMES]


@pytest.mark.parametrize("folder", ARROWS)
def test_no_package_is_a_crowd(folder: str) -> None:
    crowds = Counter(path.parent for path in sources(folder) if path.stem not in {"__init__", "__main__"})

    exempt = ROOT / "migrations" / "versions"
    assert not {str(place): count for place, count in crowds.items() if count > MAX_MODULES and place != exempt}


def test_only_the_edge_of_a_task_catches_every_exception() -> None:
    pattern = re.compile(r"^\s*except (Exception|BaseException)\b", re.MULTILINE)

    catching = [path for folder in ARROWS for path in sources(folder) if pattern.search(path.read_text())]

    assert {str(path.relative_to(ROOT)) for path in catching} == CATCH_EVERYTHING
