"""`explain=full`: the faithfulness of each CAM is measured."""

import csv
import io
import json
import zipfile
from pathlib import Path

import httpx
import pytest

from api.schemas.items import FAITHFULNESS
from tests.http import all_items, archive, ended, files, paths, submit


def test_explain_full_measures_the_faithfulness_of_every_cam(client: httpx.Client, samples: list[Path]) -> None:
    job = ended(client, submit(client, {**paths(samples[:3]), "broken.png": b"no image"}, explain="full"))

    *scores, failed = [item["faithfulness"] for item in all_items(client, job)]
    assert job["options"]["explain"] == "full"
    assert all(-1 <= score <= 1 for score in scores)
    assert len(set(scores)) == 3
    assert failed is None


def test_without_explain_full_items_have_a_cam_alone(client: httpx.Client, samples: list[Path]) -> None:
    job = ended(client, submit(client, paths(samples[:1])))

    (item,) = all_items(client, job)
    assert job["options"] == {"top_k": 3, "explain": "cam"}
    assert item["cam"]
    assert item["faithfulness"] is None


def test_predict_measures_faithfulness_with_explain_full(client: httpx.Client, samples: list[Path]) -> None:
    full, plain = [
        client.post("/predict", content=samples[0].read_bytes(), params={"explain": explain}).json()
        for explain in ("full", "cam")
    ]

    assert -1 <= full["faithfulness"] <= 1
    assert plain["faithfulness"] is None
    assert full["confidence"] == pytest.approx(plain["confidence"])


def test_the_archive_holds_the_scores(client: httpx.Client, samples: list[Path]) -> None:
    job = ended(client, submit(client, paths(samples[:3]), explain="full"))
    scores = [item["faithfulness"] for item in all_items(client, job)]

    opened = zipfile.ZipFile(io.BytesIO(archive(client, job).content))

    rows = csv.DictReader(io.StringIO(opened.read("results.csv").decode()))
    lines = [json.loads(line) for line in opened.read("results.jsonl").splitlines()]
    assert [float(row["faithfulness"]) for row in rows] == [line["faithfulness"] for line in lines] == scores
    assert json.loads(opened.read("manifest.json"))["job"]["explain"] == "full"


def test_an_unknown_value_of_explain_is_refused(client: httpx.Client, samples: list[Path]) -> None:
    response = client.post("/v1/jobs", files=files(paths(samples[:1])), params={"explain": "fully"})

    assert (response.status_code, response.json()["code"]) == (422, "invalid_request")


def test_the_reference_explains_the_score(client: httpx.Client) -> None:
    schemas = client.get("/openapi.json").json()["components"]["schemas"]

    for name in ("ItemOut", "PredictionOut"):
        assert schemas[name]["properties"]["faithfulness"]["description"] == FAITHFULNESS
