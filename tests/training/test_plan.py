"""Plans are written by people and read by machines."""

from pathlib import Path

import pytest

from training.fit.augment import Strength
from training.fit.plan import Part, Plan, Stage, parse_stages, read_plan, write_plan


def test_stages_are_written_as_size_by_epochs() -> None:
    assert parse_stages("32x3,96x2") == (Stage(32, 3), Stage(96, 2))
    assert parse_stages("32x1:head,96x2:late") == (Stage(32, 1, Part.HEAD), Stage(96, 2, Part.LATE))
    assert parse_stages("64x1+local,96x2:late+local") == (Stage(64, 1, local=True), Stage(96, 2, Part.LATE, True))


@pytest.mark.parametrize("text", ["", "32", "32x", "axb", "32x3x4", "16x3", "32x0", "32x1:", "32x1:tail", "32x1:local"])
def test_stages_that_make_no_sense_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="stage"):
        parse_stages(text)


def test_every_stage_knows_where_it_begins_and_ends() -> None:
    plan = Plan(stages=(Stage(32, 3), Stage(64, 2)))

    assert list(plan.spans()) == [(Stage(32, 3), 0, 3), (Stage(64, 2), 3, 5)]
    assert [plan.stage_of(epoch).size for epoch in range(1, 6)] == [32, 32, 32, 64, 64]
    assert plan.epochs == 5


def test_a_plan_is_kept_with_its_run(tmp_path: Path) -> None:
    plan = Plan(stages=(Stage(32, 1, Part.LATE, local=True),), seed=7, strength=Strength(zoom=0.3))

    write_plan(plan, tmp_path)

    assert read_plan(tmp_path) == plan


def test_images_are_mixed_until_the_share_of_the_run_is_over() -> None:
    plan = Plan(stages=(Stage(32, 10),), mix_share=0.7)

    assert [plan.mixes(epoch) for epoch in range(10)] == [True] * 7 + [False] * 3
