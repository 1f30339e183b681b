"""The table of results against their targets."""

from collections.abc import Mapping

from rich.table import Table

from bench.harness.results import Measured, Result
from bench.reporting.targets import TARGETS, Target, evaluate


def result_table(results: Mapping[str, Result], *, wide: bool) -> Table:
    """Return a table of the results in the order of the targets; a wide one also says what each key means."""
    table = Table("key", "value", "spread", "target", "result", title="Batchlight", title_justify="left")
    for column in table.columns[:4]:
        column.no_wrap = True
    for column in table.columns[1:4]:
        column.justify = "right"
    if wide:
        table.add_column("meaning")
    for key, target in TARGETS.items():
        if key in results:
            cells = (key, *_figures(results[key]), str(target), _colored(target, results[key]), target.meaning)
            table.add_row(*cells[: len(table.columns)])
    return table


def _figures(result: Result) -> tuple[str, str]:
    if not isinstance(result, Measured):
        return "–", "–"
    return f"{result.value:.3g}", "–" if result.spread is None else f"{result.spread:.0%}"


def _colored(target: Target, result: Result) -> str:
    evaluation = evaluate(target, result)
    color = "green" if evaluation == "met" else "red" if evaluation.startswith("missed") else "yellow"
    return f"[{color}]{evaluation}[/]"
