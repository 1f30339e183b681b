"""The figures of a results file."""

from pathlib import Path

from bench.harness.results import Measured, NotMeasured
from bench.reporting.figures import draw_figures


def test_a_figure_shows_every_key_with_a_value(tmp_path: Path) -> None:
    measured = {"cam_speed_ratio": Measured([0.98, 1.0], {}).to_json(), "int8_gain": NotMeasured("no graph").to_json()}

    (figure,) = draw_figures(measured, tmp_path / "results.json")

    text = figure.read_text()
    assert "cam_speed_ratio" in text
    assert "int8_gain" not in text


def test_the_same_results_give_the_same_figure(tmp_path: Path) -> None:
    stages = {"stages": {"decode": 0.1, "infer": 0.6, "receive": -0.001}}

    (first,), (second,) = (draw_figures(stages, tmp_path / f"{name}.json") for name in ("a", "b"))

    assert first.read_text() == second.read_text()
