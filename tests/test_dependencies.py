"""Every third-party module that a package imports is declared in `pyproject.toml` for an extra that ships it."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# The extras that install what a package imports; "" is a plain `pip install batchlight`, which each includes.
SHIPPED_BY = {
    "api": ["api"],
    "bench": ["dev", "peers"],
    "client": [""],
    "core": ["core"],
    "docs": ["docs"],
    "examples": ["training"],
    "frontend": ["frontend"],
    "maintenance": ["core"],
    "migrations": ["core"],
    "model": ["worker-keras", "training-jax"],
    "ops": ["local"],
    "samples": ["dev"],
    "servers": ["dev"],
    "tests": ["dev"],
    "training": ["training"],
    "worker": ["worker"],
}
TYPES_ONLY = {"_typeshed"}
REQUIREMENT = re.compile(r"(?P<name>[\w.-]+)(\[(?P<extras>[^]]*)\])?")


@cache
def distributions() -> dict[str, list[str]]:
    """Import name → the installed distributions that have it."""
    return {module: [normalized(name) for name in names] for module, names in packages_distributions().items()}


def normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def declared(extra: str) -> set[str]:
    """The distributions that an extra names, with those of the extras of ours that it includes."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    requirements = {**project["optional-dependencies"], "": project["dependencies"]}
    found, pending, seen = set[str](), [extra, ""], set[str]()
    while pending:
        name = pending.pop()
        if name in seen:
            continue
        seen.add(name)
        for requirement in requirements[name]:
            match = REQUIREMENT.match(requirement)
            assert match, requirement
            if normalized(match["name"]) == "batchlight":
                pending += [part.strip() for part in (match["extras"] or "").split(",")]
            else:
                found.add(normalized(match["name"]))
    return found


def third_party(folder: Path) -> Iterator[tuple[Path, str]]:
    """Each file of a folder with each top-level module it imports that is neither Python's nor ours."""
    ours = {path.name for path in ROOT.iterdir() if path.is_dir()} | {"batchlight"}
    for path in sorted(folder.rglob("*.py")):
        for module in imported(path):
            if module not in sys.stdlib_module_names | ours | TYPES_ONLY:
                yield path.relative_to(ROOT), module


def imported(path: Path) -> set[str]:
    """The top-level modules that a file imports, wherever in the file."""
    nodes = list(ast.walk(ast.parse(path.read_text())))
    names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    names += [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
    return {name.partition(".")[0] for name in names}


def python_folders() -> set[str]:
    tracked = (path for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith("."))
    return {path.name for path in tracked if next(path.rglob("*.py"), None) is not None} - {"build", "var"}


def test_every_folder_with_code_has_an_extra() -> None:
    assert python_folders() <= SHIPPED_BY.keys()


@pytest.mark.parametrize("folder", sorted(SHIPPED_BY.keys() & python_folders()))
def test_every_third_party_import_is_declared_directly(folder: str) -> None:
    known = set[str]().union(*(declared(extra) for extra in SHIPPED_BY[folder]))

    missing = sorted(
        f"{path} imports {module}: add {' or '.join(distributions().get(module, [module]))} to {SHIPPED_BY[folder]}"
        for path, module in third_party(ROOT / folder)
        if not known & set(distributions().get(module, [normalized(module)]))
    )

    assert not missing


@pytest.mark.parametrize("extra", ["api", "flower"])
def test_no_model_library_is_installed_where_none_is_used(extra: str) -> None:
    assert not declared(extra) & {"jax", "keras", "numpy", "onnx", "onnxruntime", "tensorflow"}


@pytest.mark.parametrize("extra", ["worker", "training", "flower"])
def test_no_web_framework_is_installed_where_none_is_used(extra: str) -> None:
    assert not declared(extra) & {"fastapi", "starlette", "streamlit", "uvicorn"}
