"""The result tables of an archive: an item is a row of `results.csv` and a line of `results.jsonl`."""

import csv
import json
from typing import TextIO

from core.db.tables import Item, Job
from core.states import ItemState
from worker.rendering.item_overlay import cam_of

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""Spreadsheets run cells with these first characters as formulas (OWASP, "CSV Injection")."""

COLUMNS = (
    "index", "name", "state", "label", "confidence", "error_code", "error_message", "sha256", "width", "height",
    "model", "engine", "original", "overlay", "faithfulness",
)  # fmt: skip


class ResultTables:
    """Writes each item to both tables."""

    def __init__(self, job: Job, *, csv_file: TextIO, jsonl_file: TextIO) -> None:
        self._job = job
        self._csv = csv.writer(csv_file)
        self._jsonl = jsonl_file
        self._model = f"{job.model_name}/{job.model_version}/{job.precision}"
        self._csv.writerow(COLUMNS)

    def add(self, item: Item, *, original: str | None, overlay: str | None) -> None:
        """Add an item; `original` and `overlay` are the names of its files in the archive, or None."""
        self._csv.writerow(
            safe_cell(value)
            for value in (
                item.index, item.name, item.state.value, item.label, item.confidence, item.error_code,
                item.error_message, item.sha256, item.width, item.height, self._model, item.shard.engine,
                original, overlay, item.faithfulness,
            )
        )  # fmt: skip
        self._jsonl.write(json.dumps(self._line(item, original=original, overlay=overlay)) + "\n")

    def _line(self, item: Item, *, original: str | None, overlay: str | None) -> dict[str, object]:
        succeeded = item.state == ItemState.SUCCEEDED
        return {
            "index": item.index,
            "name": item.name,
            "state": item.state.value,
            "sha256": item.sha256,
            "bytes": item.size_bytes,
            "width": item.width,
            "height": item.height,
            "label": item.label,
            "confidence": item.confidence,
            "top_k": item.top_k,
            "cam": cam_of(item).tolist() if succeeded else None,
            "faithfulness": item.faithfulness,
            "error": None if succeeded else {"code": item.error_code, "message": item.error_message},
            "model": {
                "name": self._job.model_name,
                "version": self._job.model_version,
                "precision": self._job.precision,
                "engine": item.shard.engine,
            },
            "attempt": item.shard.attempt,
            "original": original,
            "overlay": overlay,
        }


def safe_cell(value: object) -> object:
    """Return the value, quoted as text if a spreadsheet would run it as a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA_STARTS) else value
