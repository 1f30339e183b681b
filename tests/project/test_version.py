"""One version, wherever it is written."""

import re
import shutil
import subprocess
import tomllib

from core.settings import ROOT
from core.version import VERSION

RELEASE = re.compile(r"^## (\d+\.\d+\.\d+), (\d{4}-\d{2}-\d{2})$", re.MULTILINE)


def newest_tag() -> str | None:
    """The highest version tag of this checkout; None where there is no git, no checkout or no tag."""
    git = shutil.which("git")
    if git is None:
        return None
    listing = subprocess.run(
        [git, "tag", "--list", "v*", "--sort=-version:refname"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return next(iter(listing.stdout.split()), None)


def test_the_server_and_the_client_have_one_version() -> None:
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == VERSION


def test_the_example_environment_names_the_images_of_this_version() -> None:
    assert f"#IMAGE_TAG={VERSION}\n" in (ROOT / ".env.example").read_text()


def test_the_changelog_has_this_version_as_its_newest_release() -> None:
    releases = RELEASE.findall((ROOT / "CHANGELOG.md").read_text())

    assert releases[0][0] == VERSION
    assert releases == sorted(releases, key=lambda release: release[1], reverse=True)


def test_the_newest_tag_is_this_version() -> None:
    assert newest_tag() in (None, f"v{VERSION}")
