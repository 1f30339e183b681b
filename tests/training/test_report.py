"""The report on a model version, made of the findings that the other commands save."""

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

from model.artifact import read_artifact
from tests.model.samples import sample_grays, sample_labels, shipped
from training.data.dataset import Dataset
from training.data.examples import Examples
from training.data.explore import explore
from training.data.fashion_mnist import LABELS
from training.evaluation.evaluate import write_evaluation
from training.explanation.findings import (
    CENTER,
    RANDOM,
    SERVED,
    Difference,
    ExplanationFindings,
    MethodFigures,
    Road,
    Sanity,
)
from training.findings import EVALUATION, EXPLANATIONS, EXPLORATION, TRAINING, Data, Model, save
from training.report.rendering import cell, coded
from training.report.report import main
from training.run.plan import Plan, Stage, Trainable, write_plan
from training.sheet import write_sheet

FILES = (EXPLORATION, TRAINING, EVALUATION, EXPLANATIONS)
HISTORY = """epoch,size,loss,accuracy,val_loss,val_accuracy,images_per_s
1,32,1.5,0.56,0.78,0.79,600
2,32,1.1,0.73,0.62,0.85,600
3,32,0.9,0.8,0.5,0.91,300
"""


def explanations() -> ExplanationFindings:
    """Invented findings: the served method is better than random maps and not than the centered blob."""
    scores = {SERVED: 0.3, "Score-CAM": 0.25, RANDOM: 0.0, CENTER: 0.31}
    halves = {name: [0.9, 0.5] for name in scores}
    return ExplanationFindings(
        command="python -m training explain ARTIFACT",
        model=Model(name="fashion-mnist", version="1.0.0"),
        data=Data(source="samples", split="test", images=300, digest=""),
        methods={name: method(score) for name, score in scores.items()},
        road=Road(images=300, fractions=[0.1, 0.5], most_relevant_first=halves, least_relevant_first=halves),
        sanity=Sanity(
            images=300,
            layers=["dense", "block_16"],
            rank_correlation=[0.6, 0.1],
            same_maximum=[1, 0],
            other_images=0.2,
        ),
        overlays=list(scores),
    )


def method(score: float) -> MethodFigures:
    over_random, over_center = (
        Difference(mean=score - other, low=score - other - 0.01, high=score - other + 0.01) for other in (0.0, 0.31)
    )
    return MethodFigures(
        insertion=0.6,
        deletion=0.6 - score,
        score=score,
        low=score - 0.02,
        high=score + 0.02,
        images=300,
        ms_per_image=1,
        over_random=over_random,
        over_center=over_center,
    )


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The findings on the shipped model and the shipped pictures."""
    folder = tmp_path_factory.mktemp("reports") / "1.0.0"
    dataset = Dataset("folder:samples", LABELS, Examples(sample_grays(), sample_labels()))
    explore(dataset, None, size=96, seed=1, validation_per_class=5, out=folder)
    some = Dataset(dataset.source, LABELS, dataset.examples.take(np.arange(100)))
    artifact = read_artifact(shipped().path)
    write_evaluation(artifact, some, split="test", precisions=["fp32"], robustness_images=4, out=folder)
    save(folder, EXPLANATIONS, explanations())
    write_sheet(sample_grays()[:10], folder / "explanations.png", columns=5)
    run = tmp_path_factory.mktemp("run")
    (run / "history.csv").write_text(HISTORY)
    write_plan(Plan(stages=(Stage(32, 2), Stage(32, 1, Trainable.LATE, consistency=True))), run)
    main([str(folder), "--run", str(run)])
    return folder


@pytest.fixture(scope="module")
def page(measured: Path) -> str:
    return (measured / "report.html").read_text("utf-8")


def test_the_html_report_refers_to_no_other_file(page: str) -> None:
    assert not re.search(r"https?://|//[a-z]|<script|<link|@import|\ssrc=", re.sub(r"base64,[\w+/=\s]*", "", page))
    assert all(link.startswith(("#", "data:")) for link in re.findall(r'href="([^"]*)"', page))


def test_every_section_has_its_charts_and_its_command(page: str) -> None:
    for anchor in ("data", "training", "accuracy", "calibration", "robustness", "explanations", "cost"):
        assert f'<section id="{anchor}">' in page
    assert page.count("<svg") == page.count("</figcaption>") - page.count("<table")
    assert page.count("Measured by <code>python -m training ") == page.count("<section")


def test_the_report_shows_the_saved_numbers(page: str, measured: Path) -> None:
    evaluation = json.loads((measured / EVALUATION).read_text("utf-8"))["precisions"]["fp32"]

    assert f"<b>{100 * evaluation['accuracy']:.2f} %</b>" in page
    assert f"{evaluation['calibrated']['calibration_error']:.4f}" in page
    assert "Epoch 3 was kept, with 91.00 %" in page
    assert "Better than random maps: Grad-CAM and Score-CAM. Better than a centered blob: none." in page
    assert "<b>0.300</b><span>faithfulness of the CAM</span>" in page


def test_every_id_in_a_drawing_is_unique_and_every_reference_resolves(page: str) -> None:
    names = re.findall(r'\sid="([^"]+)"', page)

    assert len(names) == len(set(names))
    assert set(re.findall(r'url\(#([^)]+)\)|href="#([^"]+)"', page)) <= {
        pair for name in names for pair in ((name, ""), ("", name))
    }


def test_the_markdown_shows_the_same_charts_from_files_with_both_themes(measured: Path, page: str) -> None:
    text = (measured / "report.md").read_text("utf-8")

    charts = re.findall(r"!\[[^]]*\]\((figures/[^)]+\.svg)\)", text)

    assert len(charts) == page.count("<svg")
    for chart in charts:
        drawing = (measured / chart).read_text("utf-8")
        assert ET.fromstring(drawing).tag.endswith("svg")  # noqa: S314 - our own
        assert "prefers-color-scheme:dark" in drawing


@pytest.mark.parametrize("missing", FILES)
def test_a_missing_findings_file_is_named(missing: str, measured: Path, tmp_path: Path) -> None:
    for name in {EXPLANATIONS, TRAINING} - {missing}:
        (tmp_path / name).write_bytes((measured / name).read_bytes())

    main([str(tmp_path)])

    page = (tmp_path / "report.html").read_text("utf-8")
    assert f"Not measured: <code>{missing}</code> is missing." in page


def test_a_missing_folder_of_findings_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([str(tmp_path / "absent")])

    assert "does not exist" in capsys.readouterr().err


def test_labels_are_escaped_in_html_and_in_tables() -> None:
    assert coded("<b>`a<b`") == "&lt;b&gt;<code>a&lt;b</code>"
    assert cell("a|b") == "a\\|b"
