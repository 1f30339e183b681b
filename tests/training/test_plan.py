"""Training plans: parsing stages, saving, and refusing settings of earlier versions."""

from pathlib import Path

import pytest

from training.run.plan import (
    PLAN,
    Augmentation,
    InvalidPlan,
    Plan,
    Stage,
    Trainable,
    parse_stages,
    read_plan,
    write_plan,
)


def test_stages_are_parsed_from_size_by_epochs() -> None:
    assert parse_stages("32x3,96x2") == (Stage(32, 3), Stage(96, 2))
    assert parse_stages("32x1:head,96x2:late") == (Stage(32, 1, Trainable.HEAD), Stage(96, 2, Trainable.LATE))
    assert parse_stages("64x1+consistency,96x2:late+consistency") == (
        Stage(64, 1, consistency=True),
        Stage(96, 2, Trainable.LATE, True),
    )


@pytest.mark.parametrize(
    "text", ["", "32", "32x", "axb", "32x3x4", "16x3", "32x0", "32x1:", "32x1:tail", "32x1:consistency"]
)
def test_malformed_stages_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="stage"):
        parse_stages(text)


def test_every_stage_knows_where_it_begins_and_ends() -> None:
    plan = Plan(stages=(Stage(32, 3), Stage(64, 2)))

    assert list(plan.spans()) == [(Stage(32, 3), 0, 3), (Stage(64, 2), 3, 5)]
    assert [plan.stage_of(epoch).size for epoch in range(1, 6)] == [32, 32, 32, 64, 64]
    assert plan.epochs == 5


def test_a_plan_round_trips_through_its_file(tmp_path: Path) -> None:
    plan = Plan(
        stages=(Stage(32, 1, Trainable.LATE, consistency=True),), seed=7, augmentation=Augmentation(max_zoom=0.3)
    )

    write_plan(plan, tmp_path)

    assert read_plan(tmp_path) == plan


def test_images_are_mixed_in_the_first_fraction_of_the_run() -> None:
    plan = Plan(stages=(Stage(32, 10),), mix_fraction=0.7)

    assert [plan.mixes(epoch) for epoch in range(10)] == [True] * 7 + [False] * 3


def test_settings_of_an_earlier_version_are_refused_with_their_present_names(tmp_path: Path) -> None:
    write_plan(Plan(stages=(Stage(32, 1),)), tmp_path)
    text = (tmp_path / PLAN).read_text("utf-8")
    (tmp_path / PLAN).write_text(text.replace('"mix_fraction"', '"mix_share"').replace('"consistency"', '"local"'))

    with pytest.raises(InvalidPlan, match="mix_share is now mix_fraction, local is now consistency"):
        read_plan(tmp_path)
