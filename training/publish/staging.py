"""The files of an artifact, written into a folder of its own before anything is published."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np

from model.artifact import Artifact
from model.engines.interface import KERAS_MODEL, Inference, load_engine
from model.explanation.cam import Floats
from model.head import cam_layer, fold_tail, has_tail, serving_model
from model.manifest import CamContract, InputContract, Manifest, Precision, Provenance
from model.network import build_classifier
from training.data.fashion_mnist import Examples
from training.evaluation.evaluate import as_served
from training.evaluation.metrics import fit_temperature
from training.fit.plan import Plan
from training.publish.onnx_graph import write_onnx
from training.publish.package import installed, now, seal
from training.publish.quantize import CALIBRATION_IMAGES, quantize, rescale_temperature

GRAPH, INT8_GRAPH, TAIL = "model.onnx", "model.int8.onnx", "tail.npz"
FP32, INT8 = "fp32", "int8"
CAM_CORRELATION = "cam_correlation"

MOST_LOST = 0.003
"""An int8 graph that loses a larger share of the validation images, beyond chance, is not worth its speed."""
LEAST_ALIKE = 0.95
"""Mean correlation of the CAMs: below it a person sees another explanation."""


def at_size(trained: keras.Model, size: int, *, backbone: str) -> keras.Model:
    """The trained model with a fixed input size and without the optimizer's state."""
    dropout = trained.get_layer("dropout").rate
    fixed = build_classifier(trained.output_shape[-1], backbone=backbone, size=size, dropout=dropout)
    fixed.set_weights(trained.get_weights())
    return fixed


def stage(
    classifier: keras.Model,
    plan: Plan,
    validation: Examples,
    *,
    folder: Path,
    name: str,
    version: str,
    labels: tuple[str, ...],
) -> Artifact:
    """Write model, graph and tail into the folder, with a manifest that has no metrics yet."""
    size = classifier.input_shape[1]
    contract = InputContract(height=size, width=size)
    logits = classifier.predict(as_served(validation.images, contract), verbose=0)
    temperature = fit_temperature(logits, validation.labels)
    serving = serving_model(classifier, size=size, temperature=temperature)
    classifier.save(folder / KERAS_MODEL)
    write_onnx(serving, folder / GRAPH)
    if has_tail(classifier):
        np.savez(folder / TAIL, **fold_tail(classifier)._asdict())
    _, rows, columns = serving.output["cam"].shape
    manifest = Manifest(
        name=name,
        version=version,
        labels=labels,
        input=contract,
        cam=CamContract(cam_layer(classifier), rows, columns),
        precisions={FP32: Precision(GRAPH, temperature, {})},
        provenance=provenance(plan.seed),
        files={},
    )
    return seal(manifest, folder)


def add_int8(draft: Artifact, training: Examples, validation: Examples) -> Artifact:
    """Add an int8 graph whose ranges are from training images and whose temperature is fitted on validation images.

    Where it would lose too much on the validation images it is left out, and stderr says why.
    """
    chosen = np.random.default_rng(draft.manifest.provenance.seed).permutation(len(training))[:CALIBRATION_IMAGES]
    contract, fp32 = draft.manifest.input, draft.manifest.precisions[FP32]
    quantize(draft.path / fp32.graph, draft.path / INT8_GRAPH, as_served(training.take(chosen).images, contract))
    held_out = as_served(validation.images, contract)
    rough = _with_int8(draft, Precision(INT8_GRAPH, fp32.temperature, {}))
    plain, small = (load_engine(rough, precision=kind, engine="onnx").infer(held_out) for kind in (FP32, INT8))
    if fault := _fault(plain, small, validation):
        sys.stderr.write(f"no int8 graph: {fault}\n")
        (draft.path / INT8_GRAPH).unlink()
        return seal(draft.manifest, draft.path)
    factor = fit_temperature(np.log(np.maximum(small.probabilities, 1e-30)), validation.labels)
    rescale_temperature(draft.path / INT8_GRAPH, factor)
    return _with_int8(draft, Precision(INT8_GRAPH, round(fp32.temperature * factor, 4), {}))


def cam_correlation(one: Floats, other: Floats) -> float:
    """The mean over images of the correlation of two CAMs `[N, h, w]`; a CAM that is flat in either counts nothing."""
    flat = [maps.reshape(len(maps), -1).astype(np.float64) for maps in (one, other)]
    first, second = (maps - maps.mean(axis=1, keepdims=True) for maps in flat)
    norms = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    shaped = norms > 0
    return float(((first * second).sum(axis=1)[shaped] / norms[shaped]).mean()) if shaped.any() else 1.0


def provenance(seed: int) -> Provenance:
    """Where an artifact made now comes from."""
    return Provenance(seed=seed, commit=head_commit(), created_at=now(), libraries=installed())


def head_commit() -> str | None:
    """The commit checked out here; None outside a repository or without git."""
    command = ("git", "rev-parse", "--verify", "--quiet", "HEAD")
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parent)
    except (OSError, subprocess.CalledProcessError):
        return None
    return found.stdout.strip()


def _with_int8(draft: Artifact, int8: Precision) -> Artifact:
    precisions = {**draft.manifest.precisions, INT8: int8}
    return seal(replace(draft.manifest, precisions=precisions), draft.path)


def _fault(plain: Inference, small: Inference, validation: Examples) -> str | None:
    """Why the int8 graph is not worth having; None where it is."""
    right, still_right = (one.probabilities.argmax(axis=1) == validation.labels for one in (plain, small))
    lost, chance = int(right.sum() - still_right.sum()), np.sqrt((right != still_right).sum())
    if lost > MOST_LOST * len(validation) + chance:
        return f"of {len(validation)} validation images it has {still_right.sum()} right, fp32 {right.sum()}"
    alike = cam_correlation(plain.cam, small.cam)
    if alike < LEAST_ALIKE:
        return f"its CAMs correlate by {alike:.3f} with those of fp32"
    return None
