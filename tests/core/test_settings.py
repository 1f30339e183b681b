"""The README's table of settings is the settings."""

import re
import subprocess
import sys

import pytest
from pydantic_core import PydanticUndefined

from core.settings import RENAMED, ROOT, Settings

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


@pytest.mark.parametrize(("old", "new"), RENAMED.items())
def test_a_setting_under_its_old_name_stops_the_process_and_names_the_new_one(old: str, new: str) -> None:
    started = subprocess.run(
        [sys.executable, "-m", "maintenance"],
        cwd=ROOT,
        env={old: "7", "BATCHLIGHT_DATABASE_URL": "sqlite://", "BATCHLIGHT_REDIS_URL": "redis://127.0.0.1:1/0",
             "BATCHLIGHT_STORAGE_DIR": "nowhere"},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )  # fmt: skip

    assert started.returncode == 1
    assert started.stderr == f"The setting {old} is now called {new}. Set {new}=7 and remove {old}.\n"
