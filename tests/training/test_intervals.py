"""Bootstrap intervals."""

import numpy as np
import pytest

from training.evaluation.intervals import interval, mean_interval


def test_the_interval_of_a_fraction_is_that_of_the_binomial_distribution() -> None:
    correct = np.arange(1000) < 900

    low, high = interval(lambda drawn: correct[drawn].mean(), 1000, resamples=2000)

    deviation = (0.9 * 0.1 / 1000) ** 0.5
    assert (low, high) == pytest.approx((0.9 - 1.96 * deviation, 0.9 + 1.96 * deviation), abs=0.003)


def test_several_statistics_get_an_interval_each_and_the_seed_repeats_them() -> None:
    values = np.array([[1.0, 5.0], [1.0, 7.0], [1.0, 9.0]])

    first, same, other = (interval(lambda drawn: values[drawn].mean(axis=0), 3, seed=seed) for seed in (1, 1, 2))

    assert first[0][0] == first[1][0] == 1
    assert 5 <= first[0][1] < 7 < first[1][1] <= 9
    assert np.array_equal(first, same)
    assert interval(lambda drawn: float(drawn.sum()), 50, seed=1) != interval(lambda d: float(d.sum()), 50, seed=2)
    assert np.shape(other) == (2, 2)


def test_the_interval_of_a_mean_equals_that_of_the_statistic() -> None:
    values = np.random.default_rng(4).normal(size=200)

    expected = interval(lambda drawn: values[drawn].mean(), 200, seed=7)

    assert mean_interval(values, seed=7) == pytest.approx(expected)
