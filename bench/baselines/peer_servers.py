"""Bulk jobs and single-image jobs against LitServe, BentoML and Ray Data (`make bench-peers`).

A peer that cannot start is reported with the reason.
"""

import base64
import json
from collections.abc import Callable
from pathlib import Path

from bench.harness.bench_harness import BenchHarness
from bench.harness.corpus import small_images
from bench.harness.load_generator import Endpoint, responses_per_s
from bench.harness.multipart import MULTIPART_TYPE, multipart_body
from bench.harness.programs import listening, output_of, paused
from bench.harness.results import Result, Results, Unavailable, ratio
from bench.measurements.bulk import bulk_rate
from bench.measurements.singles import single_image_job_rate
from core.settings import ROOT
from ops.ports import LOOPBACK, free_port
from ops.supervisor import Program

PYTHON = ROOT / ".venv-peers" / "bin" / "python"
ENVIRONMENT = {"PYTHONPATH": str(ROOT), "BENTOML_DO_NOT_TRACK": "True", "RAY_USAGE_STATS_ENABLED": "0"}
RAY_DATA_TIMEOUT_S = 300


def bulk_vs_litserve(harness: BenchHarness) -> Results:
    """Measure bulk images/s against LitServe's responses/s to 64 clients."""
    port = free_port()
    return {"bulk_vs_litserve": _bulk_ratio(harness, _litserve(port), port, litserve_endpoint(port), litserve_body)}


def bulk_vs_bentoml(harness: BenchHarness) -> Results:
    """Measure bulk images/s against BentoML's responses/s to 64 clients."""
    port = free_port()
    command = _python("bentoml", "serve", "bench.peers.bentoml_service:ImageClassifier", "--port", str(port), "-q")
    endpoint = Endpoint(f"http://{LOOPBACK}:{port}/predict", MULTIPART_TYPE)
    program = Program("bentoml", command, ENVIRONMENT)
    return {"bulk_vs_bentoml": _bulk_ratio(harness, program, port, endpoint, bentoml_body)}


def bulk_vs_raydata(harness: BenchHarness) -> Results:
    """Measure all bulk runs, then all Ray Data runs: Ray occupies the cores as long as it runs."""
    _require_peers()
    sizes = harness.sizes
    folder = _write_files(harness.folder / "pngs", sizes.peer_images)
    zip_file = harness.small_zip(sizes.bulk_images)
    bulk = [bulk_rate(harness.stack, zip_file) for _ in range(sizes.pairs + 1)][1:]
    peer = _ray_data_rates(harness, folder, runs=sizes.pairs + 1)[1:]
    return {"bulk_vs_raydata": ratio(bulk, peer, names=("bulk_images_per_s", "raydata_images_per_s"))}


def singles_rate(harness: BenchHarness) -> Results:
    """Measure commits/s against LitServe's responses/s, with 64 clients that send one image a request."""
    port, images = free_port(), small_images(harness.sizes.single_image_jobs)
    bodies = [litserve_body(data) for data in images]
    program, endpoint = _litserve(port), litserve_endpoint(port)
    commits, responses = [], []
    with listening(harness, program, port=port) as supervisor:
        responses_per_s(endpoint, bodies)
        single_image_job_rate(harness.stack, images)
        for _ in range(harness.sizes.pairs):
            with paused(supervisor, program):
                commits.append(single_image_job_rate(harness.stack, images))
            responses.append(responses_per_s(endpoint, bodies))
    return {"singles_rate": ratio(commits, responses, names=("commits_per_s", "litserve_responses_per_s"))}


def litserve_endpoint(port: int) -> Endpoint:
    """Return the prediction endpoint of LitServe on this port."""
    return Endpoint(f"http://{LOOPBACK}:{port}/predict", "application/json")


def litserve_body(data: bytes) -> bytes:
    """Return the JSON body in which LitServe's guide sends an image."""
    return json.dumps({"image_data": base64.b64encode(data).decode()}).encode()


def bentoml_body(data: bytes) -> bytes:
    """Return the multipart body in which BentoML's service takes an image."""
    return multipart_body(data, field="images")


def _litserve(port: int) -> Program:
    return Program("litserve", _python("bench.peers.litserve_server", str(port)), ENVIRONMENT)


def _bulk_ratio(
    harness: BenchHarness, program: Program, port: int, endpoint: Endpoint, body: Callable[[bytes], bytes]
) -> Result:
    """Bulk images/s against a peer's responses/s; the peer is paused while Batchlight is measured."""
    sizes = harness.sizes
    bodies = [body(data) for data in small_images(sizes.peer_images // sizes.pairs)]
    zip_file = harness.small_zip(sizes.bulk_images)
    bulk, peer = [], []
    with listening(harness, program, port=port) as supervisor:
        responses_per_s(endpoint, bodies)
        for _ in range(sizes.pairs):
            with paused(supervisor, program):
                bulk.append(bulk_rate(harness.stack, zip_file))
            peer.append(responses_per_s(endpoint, bodies))
    return ratio(bulk, peer, names=("bulk_images_per_s", f"{program.name}_responses_per_s"))


def _ray_data_rates(harness: BenchHarness, folder: Path, *, runs: int) -> list[float]:
    program = Program("raydata", _python("bench.peers.raydata_job", str(folder), str(runs)), ENVIRONMENT)
    output = output_of(harness, program, timeout_s=RAY_DATA_TIMEOUT_S).splitlines()
    rates = [float(line.split()[1]) for line in output if line.startswith("images/s ")]
    if len(rates) < runs:
        last_line = output[-1] if output else "it printed nothing"
        raise Unavailable(f"Ray Data finished {len(rates)} of {runs} runs in {RAY_DATA_TIMEOUT_S} s: {last_line}")
    return rates


def _write_files(folder: Path, count: int) -> Path:
    """Write `count` PNGs as separate files, and return their folder."""
    folder.mkdir(exist_ok=True)
    for number, data in enumerate(small_images(count)):
        (folder / f"{number:06d}.png").write_bytes(data)
    return folder


def _python(module: str, *arguments: str) -> tuple[str, ...]:
    _require_peers()
    return (str(PYTHON), "-m", module, *arguments)


def _require_peers() -> None:
    if not PYTHON.exists():
        raise Unavailable("The peers are not installed. `make bench-peers` installs and measures them.")
