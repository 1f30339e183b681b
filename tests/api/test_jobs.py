"""Jobs over HTTP: submit, poll, read items, get images and overlays."""

import hashlib
import io
import zipfile
from pathlib import Path

import httpx
from PIL import Image

from tests.http import all_items, ended, files, paths, submit, submit_zip, zipped


def test_many_files_become_one_job_with_an_item_each(client: httpx.Client, samples: list[Path]) -> None:
    images = paths(samples[:40])

    accepted = submit(client, images, name="forty", top_k=2)
    job = ended(client, accepted)

    items = all_items(client, job)
    assert (job["state"], job["name"], job["counts"]["succeeded"]) == ("succeeded", "forty", 40)
    assert [item["index"] for item in items] == list(range(40))
    assert [item["name"] for item in items] == list(images)
    assert items[7]["sha256"] == hashlib.sha256(images[items[7]["name"]]).hexdigest()
    assert all(len(item["top_k"]) == 2 and item["confidence"] == item["top_k"][0]["confidence"] for item in items)
    assert all(len(item["cam"]["values"]) == 9 and min(item["cam"]["values"]) >= 0 for item in items)


def test_a_submission_is_answered_with_location_and_retry_after(client: httpx.Client, samples: list[Path]) -> None:
    response = client.post("/v1/jobs", files=files(paths(samples[:2])))

    job = response.json()
    assert response.status_code == 202
    assert response.headers["location"] == f"/v1/jobs/{job['id']}" == job["links"]["self"]
    assert response.headers["retry-after"] == "1"
    assert (job["state"], job["queue"], job["counts"]["queued"]) == ("queued", "interactive", 2)
    assert job["model"] == {"name": "fashion-mnist", "version": job["model"]["version"], "precision": "fp32"}


def test_a_zip_gives_the_same_items_as_its_files(client: httpx.Client, samples: list[Path]) -> None:
    images = paths(samples[:20])

    unpacked = ended(client, submit(client, images))
    packed = ended(client, submit_zip(client, zipped(images, method=zipfile.ZIP_DEFLATED)).json())

    answers = [
        [(item["name"], item["sha256"], item["label"], item["confidence"]) for item in all_items(client, job)]
        for job in (unpacked, packed)
    ]
    assert answers[0] == answers[1]


def test_a_zip_among_the_files_is_unpacked_in_its_place(client: httpx.Client, samples: list[Path]) -> None:
    images = {name: path.read_bytes() for name, path in zip("abc", samples, strict=False)}

    job = submit(client, {"a": images["a"], "inner.zip": zipped({"b": images["b"]}), "c": images["c"]})

    assert [item["name"] for item in all_items(client, ended(client, job))] == ["a", "b", "c"]


def test_folders_and_system_files_are_skipped_and_reported(client: httpx.Client, samples: list[Path]) -> None:
    image = samples[0].read_bytes()
    content = zipped(
        {"in/": b"", "in/a.png": image, "in/.DS_Store": b"x", "__MACOSX/in/._a.png": b"x", "in/Thumbs.db": b"x"}
    )

    job = submit_zip(client, content).json()

    assert job["counts"]["total"] == 1
    assert job["skipped_total"] == 4
    assert {"name": "in/Thumbs.db", "reason": "system file"} in job["skipped"]


def test_polling_an_unchanged_job_costs_a_304(client: httpx.Client, samples: list[Path]) -> None:
    job = ended(client, submit(client, paths(samples[:1])))
    first = client.get(f"/v1/jobs/{job['id']}")

    again = client.get(f"/v1/jobs/{job['id']}", headers={"If-None-Match": first.headers["etag"]})

    assert (again.status_code, again.content) == (304, b"")


def test_items_come_in_pages_by_cursor_and_by_state(client: httpx.Client, samples: list[Path]) -> None:
    images = {f"{number}.png": b"broken" if number % 3 == 0 else samples[0].read_bytes() for number in range(10)}
    job = ended(client, submit(client, images))

    paged = all_items(client, job, limit=3)
    failed = all_items(client, job, state="failed", limit=2)

    assert job["state"] == "partially_succeeded"
    assert [item["index"] for item in paged] == list(range(10))
    assert [item["index"] for item in failed] == [0, 3, 6, 9]
    assert {item["error"]["code"] for item in failed} == {"not_an_image"}
    assert {item["links"]["overlay"] for item in failed} == {None}


def test_a_malformed_cursor_is_refused(client: httpx.Client, samples: list[Path]) -> None:
    job = submit(client, paths(samples[:1]))

    for path in ("/v1/jobs", f"/v1/jobs/{job['id']}/items"):
        response = client.get(path, params={"after": "nonsense"})
        assert (response.status_code, response.json()["code"]) == (422, "bad_cursor")


def test_an_items_image_comes_back_as_a_download_of_the_same_bytes(client: httpx.Client, samples: list[Path]) -> None:
    job = ended(client, submit(client, {"../boot.png": samples[0].read_bytes()}))

    response = client.get(f"/v1/jobs/{job['id']}/items/0/image")

    assert response.content == samples[0].read_bytes()
    assert response.headers["content-disposition"] == 'attachment; filename="000000_boot.png"'
    assert response.headers["x-content-type-options"] == "nosniff"


def test_an_overlay_is_drawn_at_the_first_request(client: httpx.Client, samples: list[Path]) -> None:
    job = ended(client, submit(client, paths(samples[:1])))

    response = client.get(f"/v1/jobs/{job['id']}/items/0/overlay.png")

    picture = Image.open(io.BytesIO(response.content))
    assert response.headers["content-type"] == "image/png"
    assert (picture.format, picture.size, picture.mode) == ("PNG", (112, 112), "RGB")
    assert len(set(picture.get_flattened_data())) > 100


def test_what_a_failed_image_lacks_is_a_404_with_its_own_code(client: httpx.Client) -> None:
    job = ended(client, submit(client, {"a.png": b"broken"}))
    path = f"/v1/jobs/{job['id']}/items"

    codes = {end: client.get(path + end).json()["code"] for end in ("/0/overlay.png", "/0/cam", "/1", "/-1", "/x")}

    assert codes == {
        "/0/overlay.png": "no_overlay", "/0/cam": "no_cam", "/1": "item_not_found", "/-1": "invalid_request",
        "/x": "invalid_request",
    }  # fmt: skip


def test_an_unknown_model_is_refused_before_anything_is_stored(client: httpx.Client, samples: list[Path]) -> None:
    for model in ("nothing", "fashion-mnist/9.9.9", "fashion-mnist/latest/int4", "../../etc", "a/b/c/d"):
        response = client.post("/v1/jobs", files=files(paths(samples[:1])), params={"model": model})
        assert (response.status_code, response.json()["code"]) == (422, "unknown_model"), model


def test_a_served_model_lists_its_labels_input_and_metrics(client: httpx.Client) -> None:
    (model,) = [model for model in client.get("/v1/models").json()["data"] if model["default"]]

    assert model["labels"][9] == "Ankle boot"
    assert model["input"]["height"] == 96
    assert model["metrics"]["fp32"]["accuracy"] > 0.8
    assert model["aliases"] == ["latest"]


def test_newest_jobs_come_first(client: httpx.Client) -> None:
    made = [submit(client, {"a.png": b"x"})["id"] for _ in range(3)]

    first = client.get("/v1/jobs", params={"limit": 2}).json()
    second = client.get("/v1/jobs", params={"limit": 2, "after": first["next"]}).json()

    assert [job["id"] for job in first["data"] + second["data"]][:3] == made[::-1]


def test_a_name_with_a_quote_comes_back_as_it_was(client: httpx.Client, samples: list[Path]) -> None:
    name = 'a\'b "q" ä.png'

    job = ended(client, submit(client, {name: samples[0].read_bytes()}))

    assert [item["name"] for item in all_items(client, job)] == [name]
