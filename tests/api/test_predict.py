"""`POST /predict`: one image in, its class and confidence out."""

from pathlib import Path

import httpx
import pytest

from tests.http import files


def test_one_image_gets_its_class_in_the_response(client: httpx.Client, samples: list[Path]) -> None:
    as_form = client.post("/predict", files={"file": samples[0].read_bytes()})
    as_body = client.post("/predict", content=samples[0].read_bytes(), headers={"Content-Type": "image/png"})

    assert as_form.status_code == as_body.status_code == 200
    assert as_form.json()["label"] == as_body.json()["label"]
    assert as_form.json()["confidence"] == pytest.approx(as_body.json()["confidence"])
    assert client.get(as_form.json()["links"]["overlay"]).status_code == 200


def test_a_prediction_is_not_listed_among_the_jobs(client: httpx.Client, samples: list[Path]) -> None:
    job_id = client.post("/predict", content=samples[0].read_bytes()).json()["job_id"]

    assert client.get(f"/v1/jobs/{job_id}").json()["kind"] == "predict"
    assert job_id not in client.get("/v1/jobs").text


def test_a_body_that_is_not_an_image_is_a_415_with_its_own_code(client: httpx.Client) -> None:
    response = client.post("/predict", content=b"GIF89a at the start of a text file")

    assert response.status_code == 415
    assert response.json()["code"] in {"not_an_image", "truncated_image"}


def test_an_empty_image_is_a_415(client: httpx.Client) -> None:
    response = client.post("/predict", files={"file": ("empty.png", b"")})

    assert (response.status_code, response.json()["code"]) == (415, "empty_file")


def test_two_images_are_refused(client: httpx.Client, samples: list[Path]) -> None:
    image = samples[0].read_bytes()

    response = client.post("/predict", files=files({"a.png": image, "b.png": image}))

    assert (response.status_code, response.json()["code"]) == (422, "not_one_image")
