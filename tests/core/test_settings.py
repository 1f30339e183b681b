"""The README's table of settings is the settings."""

import re

from pydantic_core import PydanticUndefined

from core.settings import ROOT, Settings

ROW = re.compile(r"^\| `BATCHLIGHT_(\w+)` \| (.*?) \| (.*?) \|$", re.MULTILINE)


def test_the_readme_lists_every_setting_with_its_default_and_meaning() -> None:
    documented = {
        name.lower(): (default, meaning) for name, default, meaning in ROW.findall((ROOT / "README.md").read_text())
    }

    assert documented == {name: (shown(name), field.description) for name, field in Settings.model_fields.items()}


def shown(name: str) -> str:
    """A default as the README writes it."""
    default = Settings.model_fields[name].default
    if default is PydanticUndefined:
        return "required"
    return f"`{default.relative_to(ROOT)}/`" if name == "artifacts_dir" else f"`{default}`"
