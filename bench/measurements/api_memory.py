"""How much the API's memory grows during a large upload: one of many files, and one ZIP."""

import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from bench.harness.bench_harness import BenchHarness
from bench.harness.multipart import BOUNDARY, MULTIPART_TYPE
from bench.harness.results import Measured, Results
from bench.harness.stack import BenchStack, accepted_job
from bench.measurements.resident_memory import MIB, api_memory_reader, sampled_peak

FILE_BYTES = 4 * MIB
WARM_UP_FILES = 8


def api_upload_growth(harness: BenchHarness) -> Results:
    """Measure uploads of files as large as a photograph; their content is random, because the API decodes nothing."""
    stack, count = harness.stack, harness.sizes.upload_mib * MIB // FILE_BYTES
    data = np.random.default_rng(0).bytes(FILE_BYTES)
    zip_file = _write_zip(harness.folder / "upload.zip", data, count=count)
    _upload_files(stack, data, count=WARM_UP_FILES)
    _upload_zip(stack, _write_zip(harness.folder / "warm-up.zip", data, count=WARM_UP_FILES))
    growth_mib = {
        "form_mib": _growth_mib(stack, lambda: _upload_files(stack, data, count=count)),
        "zip_mib": _growth_mib(stack, lambda: _upload_zip(stack, zip_file)),
    }
    zip_file.unlink()
    detail = {**growth_mib, "sent_mib": harness.sizes.upload_mib}
    return {"api_upload_growth_mib": Measured([max(growth_mib.values())], detail)}


def _growth_mib(stack: BenchStack, upload: Callable[[], None]) -> float:
    read_mib = api_memory_reader(stack)
    before_mib = read_mib()
    with sampled_peak(read_mib) as peak:
        upload()
    return peak.highest_mib - before_mib


def _upload_files(stack: BenchStack, data: bytes, *, count: int) -> None:
    body = _multipart_stream(data, count=count)
    stack.delete(accepted_job(stack.client.post("/v1/jobs", content=body, headers={"Content-Type": MULTIPART_TYPE})))


def _upload_zip(stack: BenchStack, zip_file: Path) -> None:
    stack.delete(stack.submit(zip_file))


def _multipart_stream(data: bytes, *, count: int) -> Iterator[bytes]:
    """A multipart body of `count` files, one file at a time."""
    for number in range(count):
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="files"; filename="{number:06d}.jpg"\r\n\r\n'
        yield head.encode()
        yield data
        yield b"\r\n"
    yield f"--{BOUNDARY}--\r\n".encode()


def _write_zip(file: Path, data: bytes, *, count: int) -> Path:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for number in range(count):
            archive.writestr(f"{number:06d}.jpg", data)
    return file
