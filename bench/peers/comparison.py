"""The whole path against other people's servers: `make bench-peers`. One that cannot start is reported, with why."""

import base64
import json
from collections.abc import Callable
from pathlib import Path

from bench.harness.bench_harness import Ground
from bench.harness.corpus import small_images
from bench.harness.load import Call, answers_per_s
from bench.harness.programs import frozen, run_to_end, running
from bench.harness.results import Finding, Findings, Unavailable, ratio
from bench.measurements.bulk import bulk_rate
from bench.measurements.predict import FORM, form
from bench.measurements.singles import commit_singles
from core.settings import ROOT
from ops.ports import LOOPBACK, free_port
from ops.supervisor import Program

PYTHON = ROOT / ".venv-peers" / "bin" / "python"
ENVIRONMENT = {"PYTHONPATH": str(ROOT), "BENTOML_DO_NOT_TRACK": "True", "RAY_USAGE_STATS_ENABLED": "0"}
JOB_WAIT_S = 300


def bulk_vs_litserve(ground: Ground) -> Findings:
    port = free_port()
    return {"bulk_vs_litserve": _against(ground, _litserve(port), port, litserve_call(port), litserve_body)}


def bulk_vs_bentoml(ground: Ground) -> Findings:
    port = free_port()
    command = _python("bentoml", "serve", "bench.peers.bentoml_service:ImageClassifier", "--port", str(port), "-q")
    call = Call(f"http://{LOOPBACK}:{port}/predict", FORM)
    program = Program("bentoml", command, ENVIRONMENT)
    return {"bulk_vs_bentoml": _against(ground, program, port, call, lambda data: form(data, field="images"))}


def bulk_vs_raydata(ground: Ground) -> Findings:
    """Ray's cores are taken while it runs, so its runs come in one piece, ours before them."""
    _require_peers()
    sizes = ground.sizes
    folder = _files(ground.folder / "pngs", sizes.peer_images)
    zipped = ground.small_zip(sizes.bulk_images)
    ours = [bulk_rate(ground.stack, zipped) for _ in range(sizes.pairs + 1)][1:]
    theirs = _ray_rates(ground, folder, runs=sizes.pairs + 1)[1:]
    return {"bulk_vs_raydata": ratio(ours, theirs, names=("bulk_images_per_s", "raydata_images_per_s"))}


def singles_rate(ground: Ground) -> Findings:
    """64 clients, one image a request: our commits against LitServe's answers."""
    port, images = free_port(), small_images(ground.sizes.singles)
    requests = [litserve_body(data) for data in images]
    program = _litserve(port)
    ours, theirs = [], []
    with running(ground, program, port=port) as supervisor:
        answers_per_s(litserve_call(port), requests)
        commit_singles(ground.stack, images)
        for _ in range(ground.sizes.pairs):
            with frozen(supervisor, program):
                ours.append(commit_singles(ground.stack, images))
            theirs.append(answers_per_s(litserve_call(port), requests))
    return {"singles_rate": ratio(ours, theirs, names=("commits_per_s", "litserve_answers_per_s"))}


def litserve_call(port: int) -> Call:
    return Call(f"http://{LOOPBACK}:{port}/predict", "application/json")


def litserve_body(data: bytes) -> bytes:
    """The image as LitServe's own guide sends it."""
    return json.dumps({"image_data": base64.b64encode(data).decode()}).encode()


def _litserve(port: int) -> Program:
    return Program("litserve", _python("bench.peers.litserve_server", str(port)), ENVIRONMENT)


def _against(ground: Ground, program: Program, port: int, call: Call, body: Callable[[bytes], bytes]) -> Finding:
    """The peer's share of the images a pair; it stands still while ours is measured."""
    sizes = ground.sizes
    requests = [body(data) for data in small_images(sizes.peer_images // sizes.pairs)]
    zipped = ground.small_zip(sizes.bulk_images)
    ours, theirs = [], []
    with running(ground, program, port=port) as supervisor:
        answers_per_s(call, requests)
        for _ in range(sizes.pairs):
            with frozen(supervisor, program):
                ours.append(bulk_rate(ground.stack, zipped))
            theirs.append(answers_per_s(call, requests))
    return ratio(ours, theirs, names=("bulk_images_per_s", f"{program.name}_answers_per_s"))


def _ray_rates(ground: Ground, folder: Path, *, runs: int) -> list[float]:
    program = Program("raydata", _python("bench.peers.raydata_job", str(folder), str(runs)), ENVIRONMENT)
    log = run_to_end(ground, program, wait_s=JOB_WAIT_S)
    rates = [float(line.split()[1]) for line in log.splitlines() if line.startswith("images/s ")]
    if len(rates) < runs:
        raise Unavailable(
            f"Ray Data made {len(rates)} of {runs} runs in {JOB_WAIT_S} s: {(log.splitlines() or ['-'])[-1]}"
        )
    return rates


def _files(folder: Path, count: int) -> Path:
    """So many PNGs as files of their own."""
    folder.mkdir(exist_ok=True)
    for number, data in enumerate(small_images(count)):
        (folder / f"{number:06d}.png").write_bytes(data)
    return folder


def _python(module: str, *arguments: str) -> tuple[str, ...]:
    _require_peers()
    return (str(PYTHON), "-m", module, *arguments)


def _require_peers() -> None:
    if not PYTHON.exists():
        raise Unavailable("the peers are not installed: `make bench-peers` installs them")
