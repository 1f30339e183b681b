"""The messages of the web UI, without a browser."""

from datetime import UTC, datetime, timedelta

import pytest

from batchlight import (
    BatchlightError,
    ConnectionLost,
    InvalidAddress,
    MissingKey,
    NotAuthenticated,
    Problem,
    ProblemError,
    Unreachable,
)
from frontend.messages import (
    IMAGE_ERRORS,
    UNEXPECTED,
    error_message,
    faithfulness_message,
    file_size,
    image_error_message,
    time_ago,
)

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


def problem(status: int, code: str, detail: str | None = None, *parts: ProblemError) -> Problem:
    return Problem(status=status, code=code, title="Refused", detail=detail, errors=parts)


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (NotAuthenticated(status=401, code="invalid_key", title="Unauthorized"), "not accepted"),
        (problem(403, "missing_scope"), "jobs:read and jobs:write"),
        (problem(415, "truncated_image"), "cut off"),
        (problem(413, "body_too_large", "The body is over 4 GB."), "over 4 GB"),
        (problem(503, "overlay_pending"), "does not answer"),
        (problem(422, "bad_zip", "Two entries.", ProblemError("a.png", "twice")), "a.png: twice"),
        (Unreachable("No answer from http://10.0.0.1:8000: connection refused."), "does not answer"),
        (ConnectionLost("Look at your newest jobs."), "newest jobs"),
        (InvalidAddress("'here' is not an address of a server."), "correct BATCHLIGHT_URL"),
        (MissingKey("No API key was given."), "starts with bl_"),
        (BatchlightError("A plain sentence."), "A plain sentence."),
    ],
)
def test_every_client_error_has_a_message(error: Exception, text: str) -> None:
    assert text in error_message(error)


def test_an_unexpected_error_shows_none_of_its_text() -> None:
    assert error_message(ZeroDivisionError("secret")) == UNEXPECTED


def test_the_message_of_an_outage_hides_the_address_of_the_api() -> None:
    assert "10.0.0.1" not in error_message(Unreachable("No answer from http://10.0.0.1:8000: connection refused."))


def test_every_code_of_an_undecodable_image_has_a_message() -> None:
    codes = {"not_an_image", "truncated_image", "empty_file", "too_many_pixels", "animated_image", "unsupported_image"}

    assert codes <= set(IMAGE_ERRORS)


def test_the_message_of_a_limit_keeps_the_value_and_the_limit() -> None:
    message = image_error_message("too_many_pixels", "9000×9000 pixels; at most 50 megapixels are taken")

    assert message == "9000×9000 pixels; at most 50 megapixels are taken. Reduce the image and send it again."


def test_an_image_error_without_a_message_shows_the_message_of_the_server() -> None:
    assert image_error_message("object_missing", "the stored image is {gone}.") == "The stored image is {gone}."


@pytest.mark.parametrize(("n_bytes", "text"), [(0, "0 bytes"), (999, "999 bytes"), (1536, "1.5 kB"), (2e9, "2.0 GB")])
def test_file_sizes_are_short(n_bytes: float, text: str) -> None:
    assert file_size(n_bytes) == text


@pytest.mark.parametrize(("passed_s", "text"), [(5, "just now"), (60, "1 minute ago"), (90_000, "1 day ago")])
def test_times_use_the_largest_unit_that_fits(passed_s: float, text: str) -> None:
    assert time_ago(NOW - timedelta(seconds=passed_s), now=NOW) == text


@pytest.mark.parametrize(("score", "text"), [(0.4, "rests on."), (0.0, "says little"), (-0.4, "other places")])
def test_a_faithfulness_score_has_a_message(score: float, text: str) -> None:
    assert text in faithfulness_message(score)
