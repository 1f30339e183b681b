"""The reference of the server's settings, made from the fields of `core.settings.Settings`."""

from typing import Any

from core.settings import ROOT, Settings
from docs.hooks.api_reference import type_of
from docs.hooks.tables import table


def settings_reference() -> str:
    """Every setting with its type, its bounds, its default and its meaning."""
    rows = [[f"`BATCHLIGHT_{name.upper()}`", _type(name), _default(name), _meaning(name)] for name in _schema()]
    return table(["Setting", "Type", "Default", "Meaning"], rows)


def _schema() -> dict[str, Any]:
    fields: dict[str, Any] = Settings.model_json_schema()["properties"]
    return fields


def _type(name: str) -> str:
    return type_of({key: value for key, value in _schema()[name].items() if key != "default"})


def _default(name: str) -> str:
    field = Settings.model_fields[name]
    if field.is_required():
        return "required"
    if field.default is None:
        return "not set"
    return f"`{str(field.default).replace(str(ROOT), '.')}`"


def _meaning(name: str) -> str:
    return Settings.model_fields[name].description or ""
