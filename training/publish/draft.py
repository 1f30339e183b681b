"""The draft of an artifact: its files, written to a temporary folder before anything is published."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
from scipy import stats

from model.arrays import Floats
from model.artifact import Artifact
from model.engines.interface import KERAS_MODEL, Inference
from model.engines.load import load_engine
from model.head import cam_layer, fold_tail, has_tail, serving_model
from model.manifest import CamContract, InputContract, Manifest, Precision, Provenance
from model.network import DROPOUT, build_classifier
from training.data.examples import Examples
from training.data.serving import decode_as_served
from training.evaluation.metrics import fit_temperature
from training.publish.onnx_graph import write_onnx
from training.publish.package import library_versions, timestamp, write_manifest
from training.publish.quantize import CALIBRATION_IMAGES, quantize, rescale_temperature
from training.run.plan import Plan

GRAPH, INT8_GRAPH, TAIL = "model.onnx", "model.int8.onnx", "tail.npz"
FP32, INT8 = "fp32", "int8"
CAM_CORRELATION = "cam_correlation"

MAX_ACCURACY_LOSS = 0.003
"""Largest loss of validation accuracy, beyond one standard error, with which an int8 graph is published."""
MIN_CAM_CORRELATION = 0.95
"""Smallest mean correlation of int8 and fp32 CAMs with which an int8 graph is published."""
MIN_PROBABILITY = 1e-30
"""Smallest probability of which a logarithm is taken."""


def with_input_size(trained: keras.Model, size: int, *, backbone: str) -> keras.Model:
    """Return the trained classifier with a fixed input size in pixels a side, without the optimizer's state."""
    dropout = trained.get_layer(DROPOUT).rate
    fixed = build_classifier(trained.output_shape[-1], backbone=backbone, size=size, dropout=dropout)
    fixed.set_weights(trained.get_weights())
    return fixed


def write_draft(
    classifier: keras.Model,
    plan: Plan,
    validation: Examples,
    *,
    folder: Path,
    name: str,
    version: str,
    labels: tuple[str, ...],
) -> Artifact:
    """Write Keras model, ONNX graph, folded tail and a manifest without metrics into the folder.

    The softmax temperature is fitted on the validation images.
    """
    size = classifier.input_shape[1]
    contract = InputContract(height=size, width=size)
    logits = classifier.predict(decode_as_served(validation.images, contract), verbose=0)
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
        provenance=make_provenance(plan.seed),
        files={},
    )
    return write_manifest(manifest, folder)


def add_int8(draft: Artifact, training: Examples, validation: Examples) -> Artifact:
    """Add an int8 graph, with ranges from training images and a temperature fitted on validation images.

    The graph is left out, with a message on stderr, if it loses too much on the validation images.
    """
    calibration = training.sample(CALIBRATION_IMAGES, seed=draft.manifest.provenance.seed)
    contract, fp32 = draft.manifest.input, draft.manifest.precisions[FP32]
    quantize(draft.path / fp32.graph, draft.path / INT8_GRAPH, decode_as_served(calibration.images, contract))
    pixels = decode_as_served(validation.images, contract)
    uncalibrated = _with_int8(draft, Precision(INT8_GRAPH, fp32.temperature, {}))
    fp32_result, int8_result = (
        load_engine(uncalibrated, precision=kind, engine="onnx").infer(pixels) for kind in (FP32, INT8)
    )
    if reason := _rejection(fp32_result, int8_result, validation):
        sys.stderr.write(f"no int8 graph: {reason}\n")
        (draft.path / INT8_GRAPH).unlink()
        return write_manifest(draft.manifest, draft.path)
    factor = fit_temperature(np.log(np.maximum(int8_result.probabilities, MIN_PROBABILITY)), validation.labels)
    rescale_temperature(draft.path / INT8_GRAPH, factor)
    return _with_int8(draft, Precision(INT8_GRAPH, round(fp32.temperature * factor, 4), {}))


def cam_correlation(first: Floats, second: Floats) -> float:
    """Return the mean over images of Pearson's correlation of CAMs `[N, h, w]`.

    Images with a constant CAM are left out; the result is 1 if there are no others.
    """
    flat = [maps.reshape(len(maps), -1).astype(np.float64) for maps in (first, second)]
    varied = np.logical_and(*(np.ptp(maps, axis=1) > 0 for maps in flat))
    if not varied.any():
        return 1.0
    return float(stats.pearsonr(flat[0][varied], flat[1][varied], axis=1).statistic.mean())


def make_provenance(seed: int) -> Provenance:
    """Return the provenance of an artifact that is made now from this checkout."""
    return Provenance(seed=seed, commit=head_commit(), created_at=timestamp(), libraries=library_versions())


def head_commit() -> str | None:
    """Return the commit that is checked out; None outside a repository or without git."""
    command = ("git", "rev-parse", "--verify", "--quiet", "HEAD")
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parent)
    except (OSError, subprocess.CalledProcessError):
        return None
    return found.stdout.strip()


def _with_int8(draft: Artifact, int8: Precision) -> Artifact:
    precisions = {**draft.manifest.precisions, INT8: int8}
    return write_manifest(replace(draft.manifest, precisions=precisions), draft.path)


def _rejection(fp32: Inference, int8: Inference, validation: Examples) -> str | None:
    """Return why the int8 graph is not published; None if it is."""
    fp32_correct, int8_correct = (one.probabilities.argmax(axis=1) == validation.labels for one in (fp32, int8))
    lost = int(fp32_correct.sum() - int8_correct.sum())
    standard_error = np.sqrt((fp32_correct != int8_correct).sum())
    if lost > MAX_ACCURACY_LOSS * len(validation) + standard_error:
        return (
            f"it classifies {int8_correct.sum()} of {len(validation)} validation images correctly, "
            f"fp32 {fp32_correct.sum()}"
        )
    correlation = cam_correlation(fp32.cam, int8.cam)
    if correlation < MIN_CAM_CORRELATION:
        return f"its CAMs correlate by {correlation:.3f} with those of fp32; at least {MIN_CAM_CORRELATION} is required"
    return None
