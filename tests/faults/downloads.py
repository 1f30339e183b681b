"""The checks of a downloaded archive: complete, with correct digests, and with the job's items as rows."""

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping

import httpx

from tests.faults.observed_job import ObservedJob
from tests.http import all_items, archive


def check_archive(job: ObservedJob, images: Mapping[str, bytes]) -> bytes:
    """Assert that the archive of this ended job is complete and correct, and return it."""
    response = archive(job.client, {"id": job.id})
    assert response.status_code == 200, response.text
    _check_complete(response)
    with zipfile.ZipFile(io.BytesIO(response.content)) as opened:
        assert opened.testzip() is None
        files = {file["name"]: file["sha256"] for file in json.loads(opened.read("manifest.json"))["files"]}
        digests = {name: hashlib.sha256(opened.read(name)).hexdigest() for name in opened.namelist()}
        rows = [json.loads(line) for line in opened.read("results.jsonl").splitlines()]
    assert digests.pop("manifest.json")
    assert digests == files
    items = all_items(job.client, {"id": job.id})
    assert [_row(row) for row in rows] == [_row(item) for item in items]
    assert [digests[row["original"]] for row in rows] == [item["sha256"] for item in items]
    assert sorted(item["sha256"] for item in items) == sorted(map(_sha256, images.values()))
    return response.content


def _check_complete(response: httpx.Response) -> None:
    assert response.headers["content-length"] == str(len(response.content))
    assert response.headers["etag"] == f'"{_sha256(response.content)}"'


def _row(row: Mapping[str, object]) -> tuple[object, ...]:
    return tuple(row[name] for name in ("index", "name", "sha256", "label", "confidence"))


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
