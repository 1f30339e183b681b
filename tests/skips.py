"""Turns every skipped test into a failure when `BATCHLIGHT_NO_SKIPS` is set, as `.ci/run` does."""

import os
from collections.abc import Generator

import pytest

NO_SKIPS = "BATCHLIGHT_NO_SKIPS"
FORBIDDEN = pytest.StashKey[bool]()


def pytest_configure(config: pytest.Config) -> None:
    """Reads the flag before a fixture clears the environment of settings."""
    config.stash[FORBIDDEN] = os.environ.get(NO_SKIPS, "") not in ("", "0")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Makes a skipped test a failed one."""
    report = yield
    if item.config.stash[FORBIDDEN] and not hasattr(report, "wasxfail"):
        _fail_if_skipped(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Makes a module that is skipped while it is collected a failed one."""
    report = yield
    if collector.config.stash[FORBIDDEN]:
        _fail_if_skipped(report)
    return report


def _fail_if_skipped(report: pytest.TestReport | pytest.CollectReport) -> None:
    if report.outcome != "skipped":
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    report.outcome = "failed"
    report.longrepr = f"{NO_SKIPS} is set and this was skipped. {reason}"
