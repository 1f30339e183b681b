"""What the tests do over HTTP, in the words of a client."""

import io
import time
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import httpx

PATIENCE_S = 60.0


def files(images: Mapping[str, bytes]) -> list[tuple[str, tuple[str, bytes]]]:
    """A multipart body with these images."""
    return [("files", (name, data)) for name, data in images.items()]


def paths(images: Iterable[Path]) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in images}


def zipped(images: Mapping[str, bytes], *, method: int = zipfile.ZIP_STORED) -> bytes:
    """A ZIP of these images."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in images.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def submit(client: httpx.Client, images: Mapping[str, bytes], **options: Any) -> dict[str, Any]:
    """The accepted job."""
    response = client.post("/v1/jobs", files=files(images), params=options)
    assert response.status_code == 202, response.text
    job: dict[str, Any] = response.json()
    return job


def submit_zip(client: httpx.Client, content: bytes) -> httpx.Response:
    return client.post("/v1/jobs", content=content, headers={"Content-Type": "application/zip"})


def ended(client: httpx.Client, job: Mapping[str, Any], *, patience_s: float = PATIENCE_S) -> dict[str, Any]:
    """The job once it has ended; at every poll on the way its counters must add up."""
    until = time.monotonic() + patience_s
    while True:
        now: dict[str, Any] = client.get(f"/v1/jobs/{job['id']}").json()
        counts = dict(now["counts"])
        assert counts.pop("total") == sum(counts.values()), now
        if now["ended_at"]:
            return now
        assert time.monotonic() < until, f"the job did not end: {now}"
        time.sleep(0.05)


def all_items(client: httpx.Client, job: Mapping[str, Any], **query: Any) -> list[dict[str, Any]]:
    """Every item, page by page."""
    items: list[dict[str, Any]] = []
    query = {"limit": 1000, **query}
    while True:
        page = client.get(f"/v1/jobs/{job['id']}/items", params=query).json()
        items += page["data"]
        if page["next"] is None:
            return items
        query["after"] = page["next"]


def archive(client: httpx.Client, job: Mapping[str, Any], *, patience_s: float = PATIENCE_S) -> httpx.Response:
    """The archive once it is built."""
    until = time.monotonic() + patience_s
    while (response := client.get(f"/v1/jobs/{job['id']}/archive")).status_code == 202:
        assert time.monotonic() < until, "the archive was not built"
        time.sleep(0.1)
    return response
