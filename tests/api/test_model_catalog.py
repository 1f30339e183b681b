"""The model version that a new job is pinned to."""

import shutil
from pathlib import Path

import pytest

from api.model_catalog import MAX_AGE_S, ModelCatalog, PinnedModel
from core.errors import Malformed
from core.settings import ROOT

NAME = "fashion-mnist"


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the shipped model, as versions 1.0.0 and 2.0.0; `latest` names the first."""
    (shipped,) = (path.parent for path in (ROOT / "artifacts" / NAME).glob("*/manifest.json"))
    for version in ("1.0.0", "2.0.0"):
        (tmp_path / NAME / version).mkdir(parents=True)
        manifest = (
            (shipped / "manifest.json").read_text().replace(f'"version": "{shipped.name}"', f'"version": "{version}"')
        )
        (tmp_path / NAME / version / "manifest.json").write_text(manifest)
    (tmp_path / NAME / "latest").write_text("1.0.0\n")
    return tmp_path


def test_a_job_gets_what_it_names_and_the_default_for_the_rest(folder: Path) -> None:
    catalog = ModelCatalog(folder, default_model=NAME)

    pinned = [catalog.pin(spec) for spec in (None, NAME, f"{NAME}/2.0.0", f"{NAME}/latest/int8")]

    assert pinned == [
        PinnedModel(NAME, "1.0.0", "fp32"),
        PinnedModel(NAME, "1.0.0", "fp32"),
        PinnedModel(NAME, "2.0.0", "fp32"),
        PinnedModel(NAME, "1.0.0", "int8"),
    ]


def test_a_moved_alias_is_seen_once_the_manifest_is_too_old(folder: Path) -> None:
    clock = Clock()
    catalog = ModelCatalog(folder, default_model=NAME, clock_s=clock)
    before = catalog.pin(NAME)
    (folder / NAME / "latest").write_text("2.0.0\n")

    clock.now_s += MAX_AGE_S / 2
    meanwhile = catalog.pin(NAME)
    clock.now_s += MAX_AGE_S / 2
    after = catalog.pin(NAME)

    assert [model.version for model in (before, meanwhile, after)] == ["1.0.0", "1.0.0", "2.0.0"]


def test_a_model_that_appears_is_found_at_once(folder: Path) -> None:
    catalog = ModelCatalog(folder, default_model=NAME, clock_s=Clock())
    shutil.move(folder / NAME / "2.0.0", folder / "hidden")
    with pytest.raises(Malformed, match=r"There is no model 'fashion-mnist/2\.0\.0'"):
        catalog.pin(f"{NAME}/2.0.0")

    shutil.move(folder / "hidden", folder / NAME / "2.0.0")

    assert catalog.pin(f"{NAME}/2.0.0").version == "2.0.0"


def test_a_long_name_is_not_echoed_whole(folder: Path) -> None:
    with pytest.raises(Malformed) as refusal:
        ModelCatalog(folder, default_model=NAME).pin("a" * 30_000)

    assert len(refusal.value.detail) < 500
