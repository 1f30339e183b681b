"""Requests that the tests send to the API."""

import io
import time
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import httpx

TIMEOUT_S = 60.0


def files(images: Mapping[str, bytes]) -> list[tuple[str, tuple[str, bytes]]]:
    """Return a multipart body with these images, by name."""
    return [("files", (name, data)) for name, data in images.items()]


def paths(images: Iterable[Path]) -> dict[str, bytes]:
    """Return the content of these files by name."""
    return {path.name: path.read_bytes() for path in images}


def zipped(images: Mapping[str, bytes], *, method: int = zipfile.ZIP_STORED) -> bytes:
    """Return a ZIP of these images, by name."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in images.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def submit(client: httpx.Client, images: Mapping[str, bytes], **options: Any) -> dict[str, Any]:
    """Submit a job of these images, by name, and return it as it was accepted."""
    response = client.post("/v1/jobs", files=files(images), params=options)
    assert response.status_code == 202, response.text
    job: dict[str, Any] = response.json()
    return job


def submit_zip(client: httpx.Client, content: bytes) -> httpx.Response:
    """Submit a job of the images in this ZIP and return the response."""
    return client.post("/v1/jobs", content=content, headers={"Content-Type": "application/zip"})


def ended(client: httpx.Client, job: Mapping[str, Any], *, timeout_s: float = TIMEOUT_S) -> dict[str, Any]:
    """Poll the job until it has ended and return it; assert at every poll that its counters add up."""
    until_s = time.monotonic() + timeout_s
    while True:
        now: dict[str, Any] = client.get(f"/v1/jobs/{job['id']}").json()
        counts = dict(now["counts"])
        assert counts.pop("total") == sum(counts.values()), now
        if now["ended_at"]:
            return now
        assert time.monotonic() < until_s, f"the job did not end: {now}"
        time.sleep(0.05)


def all_items(client: httpx.Client, job: Mapping[str, Any], **query: Any) -> list[dict[str, Any]]:
    """Return every item of the job, read page by page."""
    items: list[dict[str, Any]] = []
    query = {"limit": 1000, **query}
    while True:
        page = client.get(f"/v1/jobs/{job['id']}/items", params=query).json()
        items += page["data"]
        if page["next"] is None:
            return items
        query["after"] = page["next"]


def archive(client: httpx.Client, job: Mapping[str, Any], *, timeout_s: float = TIMEOUT_S) -> httpx.Response:
    """Request the archive until it is built and return the response."""
    until_s = time.monotonic() + timeout_s
    while (response := client.get(f"/v1/jobs/{job['id']}/archive")).status_code == 202:
        assert time.monotonic() < until_s, "the archive was not built"
        time.sleep(0.1)
    return response
