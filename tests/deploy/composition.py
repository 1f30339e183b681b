"""docker-compose.yml and .env.example, parsed for the tests."""

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
    """Return the whole file with merged keys resolved and variables as written."""
    loaded: dict[str, Any] = YAML(typ="safe").load(COMPOSE.read_text())
    return loaded


def services() -> dict[str, Service]:
    """Return every service by its name."""
    found: dict[str, Service] = document()["services"]
    return found


def built() -> dict[str, Service]:
    """Return the services whose images are built from this checkout."""
    return {name: service for name, service in services().items() if "build" in service}


def target(service: Service) -> str:
    """Return the target of the Dockerfile that the service's image is built from."""
    name: str = service["build"]["target"]
    return name


def variables() -> set[tuple[str, str, str]]:
    """Return every (name, operator, rest) of `${NAME:-default}` and `${NAME:?message}`; a bare one has no operator."""
    text = "\n".join(line.partition(" # ")[0] for line in COMPOSE.read_text().splitlines())
    return {(match[1] or match[4], match[2] or "", match[3] or "") for match in _VARIABLE.finditer(text)}


def environment_names() -> Iterator[tuple[str, str]]:
    """Yield (service, variable) for every environment variable that a service gets."""
    for name, service in services().items():
        yield from ((name, variable) for variable in service.get("environment", {}))


def example() -> dict[str, tuple[str, bool]]:
    """Return the value of each variable in .env.example, and whether it is set there or only a comment."""
    lines = re.findall(r"^(#?)([A-Z][A-Z_]+)=(.*)$", EXAMPLE.read_text(), re.MULTILINE)
    return {name: (value, not comment) for comment, name, value in lines}


def seconds(duration: str) -> int:
    """Return the seconds of a duration such as `45s` or `5m`."""
    return int(duration[:-1]) * _UNITS[duration[-1]]
