"""Ten thousand images in one ZIP."""

import gzip
import io
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

from core.settings import ROOT
from tests.http import all_items, ended, submit_zip, zipped
from tests.stacks import RunningStack

COUNT = 10_000
HEADER_BYTES = 16
PLACES = (Path("/usr/share/datasets/fashion-mnist"), ROOT.parent / "shared" / "data" / "fashion-mnist")
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def ten_thousand(samples: list[Path]) -> bytes:
    """A ZIP of the dataset's test images where it is installed, else of the samples over and over."""
    found = [place / "t10k-images-idx3-ubyte.gz" for place in PLACES if (place / "t10k-images-idx3-ubyte.gz").is_file()]
    images = encoded(found[0]) if found else [path.read_bytes() for path in samples]
    return zipped({f"{number:05d}.png": images[number % len(images)] for number in range(COUNT)})


def encoded(idx: Path) -> list[bytes]:
    pixels = np.frombuffer(gzip.decompress(idx.read_bytes())[HEADER_BYTES:], np.uint8).reshape(-1, 28, 28)
    pngs = []
    for picture in pixels:
        buffer = io.BytesIO()
        Image.fromarray(picture).save(buffer, "PNG")
        pngs.append(buffer.getvalue())
    return pngs


def test_ten_thousand_images_in_one_zip_give_ten_thousand_items(stack: RunningStack, ten_thousand: bytes) -> None:
    api = psutil.Process(stack.supervisor.pids()["api"])
    before = api.memory_info().rss

    with stack.client() as client:
        accepted = submit_zip(client, ten_thousand).json()
        grown_mib = (api.memory_info().rss - before) / MIB
        job = ended(client, accepted, timeout_s=100)
        indexes = [item["index"] for item in all_items(client, job)]

    assert (job["state"], job["counts"]["succeeded"]) == ("succeeded", COUNT)
    assert indexes == list(range(COUNT))
    assert grown_mib < 100
