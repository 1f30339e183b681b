"""docker-compose.yml as the tests read it, and .env.example beside it."""

import re
from collections.abc import Iterator
from typing import Any

from ruamel.yaml import YAML

from core.settings import ROOT

COMPOSE = ROOT / "docker-compose.yml"
EXAMPLE = ROOT / ".env.example"

Service = dict[str, Any]

_VARIABLE = re.compile(r"(?<!\$)\$(?:\{(\w+)(:\?|:-)?([^}]*)\}|(\w+))")
_UNITS = {"s": 1, "m": 60}


def document() -> dict[str, Any]:
    """The whole file, merged keys resolved, variables as they are written."""
    loaded: dict[str, Any] = YAML(typ="safe").load(COMPOSE.read_text())
    return loaded


def services() -> dict[str, Service]:
    found: dict[str, Service] = document()["services"]
    return found


def ours() -> dict[str, Service]:
    """The services that run our images."""
    return {name: service for name, service in services().items() if "build" in service}


def target(service: Service) -> str:
    built: str = service["build"]["target"]
    return built


def variables() -> set[tuple[str, str, str]]:
    """Every (name, operator, rest) of `${NAME:-default}` and `${NAME:?message}`; a bare one has no operator."""
    text = "\n".join(line.partition(" # ")[0] for line in COMPOSE.read_text().splitlines())
    return {(match[1] or match[4], match[2] or "", match[3] or "") for match in _VARIABLE.finditer(text)}


def environment_names() -> Iterator[tuple[str, str]]:
    for name, service in services().items():
        yield from ((name, variable) for variable in service.get("environment", {}))


def example() -> dict[str, tuple[str, bool]]:
    """Of each variable in .env.example its value, and whether it is set there or only shown."""
    lines = re.findall(r"^(#?)([A-Z][A-Z_]+)=(.*)$", EXAMPLE.read_text(), re.MULTILINE)
    return {name: (value, not shown) for shown, name, value in lines}


def seconds(duration: str) -> int:
    """Of `45s` or `5m`."""
    return int(duration[:-1]) * _UNITS[duration[-1]]
