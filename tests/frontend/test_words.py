"""What the page says, without a browser."""

from datetime import UTC, datetime, timedelta

import pytest

from batchlight import BatchlightError, ConnectionLost, NotAuthenticated, Problem, ProblemError, Unreachable
from frontend.messages import IMAGE_ERRORS, UNKNOWN, ago, faithfulness, size, spoken

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


def problem(status: int, code: str, detail: str | None = None, *faults: ProblemError) -> Problem:
    return Problem(status=status, code=code, title="Refused", detail=detail, errors=faults)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (NotAuthenticated(status=401, code="invalid_key", title="Unauthorized"), "not accepted"),
        (problem(403, "missing_scope"), "jobs:read and jobs:write"),
        (problem(415, "truncated_image"), "cut off"),
        (problem(413, "body_too_large", "The body is over 4 GB."), "over 4 GB"),
        (problem(503, "overlay_pending"), "does not answer"),
        (problem(422, "bad_zip", "Two entries.", ProblemError("a.png", "twice")), "a.png: twice"),
        (Unreachable("No answer from http://10.0.0.1:8000: connection refused."), "does not answer"),
        (ConnectionLost("Look at your newest jobs."), "newest jobs"),
        (BatchlightError("Plain words."), "Plain words."),
    ],
)
def test_every_refusal_has_words(error: Exception, words: str) -> None:
    assert words in spoken(error)


def test_an_unforeseen_error_shows_nothing_of_itself() -> None:
    assert spoken(ZeroDivisionError("secret")) == UNKNOWN


def test_an_address_inside_is_not_shown() -> None:
    assert "10.0.0.1" not in spoken(Unreachable("No answer from http://10.0.0.1:8000: connection refused."))


def test_every_code_of_an_image_has_words() -> None:
    assert {"not_an_image", "truncated_image", "empty_file", "too_many_pixels", "animated_image"} <= set(IMAGE_ERRORS)


@pytest.mark.parametrize(("n_bytes", "words"), [(0, "0 bytes"), (999, "999 bytes"), (1536, "1.5 kB"), (2e9, "2.0 GB")])
def test_sizes_are_short(n_bytes: float, words: str) -> None:
    assert size(n_bytes) == words


@pytest.mark.parametrize(("passed_s", "words"), [(5, "just now"), (60, "1 minute ago"), (90_000, "1 day ago")])
def test_times_are_told_in_the_coarsest_unit(passed_s: float, words: str) -> None:
    assert ago(NOW - timedelta(seconds=passed_s), now=NOW) == words


@pytest.mark.parametrize(("score", "words"), [(0.4, "rests on."), (0.0, "says little"), (-0.4, "other places")])
def test_a_score_of_a_heatmap_has_words(score: float, words: str) -> None:
    assert words in faithfulness(score)
