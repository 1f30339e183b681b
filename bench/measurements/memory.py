"""Whether the API's memory grows with an upload: one of many files, and one ZIP."""

import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from bench.harness.bench_harness import Ground
from bench.harness.results import Findings, Measured
from bench.harness.stack import BenchStack, accepted
from bench.measurements.growth import MIB, api_memory, watched
from bench.measurements.predict import BOUNDARY, FORM

FILE_BYTES = 4 * MIB
WARM_FILES = 8


def api_upload_growth(ground: Ground) -> Findings:
    """Files of a photograph's size; what is in them does not matter to the API, which decodes nothing."""
    stack, count = ground.stack, ground.sizes.upload_mib * MIB // FILE_BYTES
    data = np.random.default_rng(0).bytes(FILE_BYTES)
    zipped = _zip(ground.folder / "upload.zip", data, count=count)
    _upload_form(stack, data, count=WARM_FILES)
    _upload_zip(stack, _zip(ground.folder / "warm.zip", data, count=WARM_FILES))
    grown = {
        "form_mib": _growth_mib(stack, lambda: _upload_form(stack, data, count=count)),
        "zip_mib": _growth_mib(stack, lambda: _upload_zip(stack, zipped)),
    }
    zipped.unlink()
    return {"api_upload_growth_mib": Measured([max(grown.values())], {**grown, "sent_mib": ground.sizes.upload_mib})}


def _growth_mib(stack: BenchStack, upload: Callable[[], None]) -> float:
    read = api_memory(stack)
    before = read()
    with watched(read) as peak:
        upload()
    return peak.highest - before


def _upload_form(stack: BenchStack, data: bytes, *, count: int) -> None:
    body = _form(data, count=count)
    stack.delete(accepted(stack.client.post("/v1/jobs", content=body, headers={"Content-Type": FORM})))


def _upload_zip(stack: BenchStack, zipped: Path) -> None:
    stack.delete(stack.submit(zipped))


def _form(data: bytes, *, count: int) -> Iterator[bytes]:
    """A multipart body, a file at a time."""
    for number in range(count):
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="files"; filename="{number:06d}.jpg"\r\n\r\n'
        yield head.encode()
        yield data
        yield b"\r\n"
    yield f"--{BOUNDARY}--\r\n".encode()


def _zip(file: Path, data: bytes, *, count: int) -> Path:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for number in range(count):
            archive.writestr(f"{number:06d}.jpg", data)
    return file
