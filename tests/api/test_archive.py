"""The archive: complete, verifiable, safe to open, resumable."""

import csv
import hashlib
import io
import json
import zipfile
from pathlib import Path

import httpx

from tests.http import all_items, archive, ended, paths, submit


def test_an_archive_holds_every_image_with_its_overlay_and_result(client: httpx.Client, samples: list[Path]) -> None:
    images = {**paths(samples[:9]), "broken.jpg": b"no image"}
    job = ended(client, submit(client, images))

    opened = zipfile.ZipFile(io.BytesIO(archive(client, job).content))

    names = opened.namelist()
    rows = list(csv.DictReader(io.StringIO(opened.read("results.csv").decode())))
    lines = [json.loads(line) for line in opened.read("results.jsonl").splitlines()]
    items = all_items(client, job)
    assert opened.testzip() is None
    assert sum(name.startswith("overlays/") for name in names) == 9
    assert opened.read(lines[0]["original"]) == images[items[0]["name"]]
    assert [row["label"] for row in rows] == [item["label"] or "" for item in items]
    assert [line["confidence"] for line in lines] == [item["confidence"] for item in items]
    assert (rows[9]["error_code"], lines[9]["overlay"]) == ("not_an_image", None)


def test_the_manifest_has_the_digest_of_every_file_and_names_job_and_model(
    client: httpx.Client, samples: list[Path]
) -> None:
    job = ended(client, submit(client, paths(samples[:3])))

    opened = zipfile.ZipFile(io.BytesIO(archive(client, job).content))

    manifest = json.loads(opened.read("manifest.json"))
    digests = {file["name"]: file["sha256"] for file in manifest["files"]}
    assert set(digests) == set(opened.namelist()) - {"manifest.json"}
    assert all(hashlib.sha256(opened.read(name)).hexdigest() == digest for name, digest in digests.items())
    assert manifest["job"]["id"] == job["id"]
    assert manifest["model"]["version"] == job["model"]["version"]
    assert len(manifest["model"]["files"]["model.onnx"]) == 64


def test_cells_that_a_spreadsheet_would_execute_become_text(client: httpx.Client, samples: list[Path]) -> None:
    evil = "=HYPERLINK(A1).png"
    job = ended(client, submit(client, {evil: samples[0].read_bytes()}))

    opened = zipfile.ZipFile(io.BytesIO(archive(client, job).content))

    (row,) = csv.DictReader(io.StringIO(opened.read("results.csv").decode()))
    assert row["name"] == f"'{evil}"


def test_an_interrupted_download_goes_on_where_it_stopped(client: httpx.Client, samples: list[Path]) -> None:
    job = ended(client, submit(client, paths(samples[:3])))
    whole = archive(client, job)
    url, etag = f"/v1/jobs/{job['id']}/archive", whole.headers["etag"]

    rest = client.get(url, headers={"Range": "bytes=1000-", "If-Range": etag})
    other = client.get(url, headers={"Range": "bytes=1000-", "If-Range": '"another"'})
    head = client.head(url)

    assert (rest.status_code, rest.content) == (206, whole.content[1000:])
    assert (other.status_code, other.content) == (200, whole.content)
    assert head.headers["content-length"] == str(len(whole.content))
    assert etag == f'"{hashlib.sha256(whole.content).hexdigest()}"'


def test_the_archive_of_a_job_that_still_runs_is_a_conflict(client: httpx.Client, samples: list[Path]) -> None:
    job = submit(client, {f"{number}.png": samples[0].read_bytes() for number in range(600)})

    response = client.get(f"/v1/jobs/{job['id']}/archive")

    assert (response.status_code, response.json()["code"]) == (409, "job_not_finished")
    ended(client, job)
