"""Images that occur twice, exactly or nearly.

Duplicates within a split waste training time. Duplicates across splits make test results look better than they are.
"""

import hashlib
from collections.abc import Iterator, Mapping
from itertools import combinations_with_replacement

import numpy as np
from sklearn.metrics import pairwise_distances_argmin_min

from model.arrays import Floats, Images
from model.decode import stretch_images
from training.data.examples import Examples, Labels
from training.findings import Duplicates, NearDuplicates, Pair

MAX_COMPARED_SIDE_PX = 32
MAX_COMPARED_IMAGES = 2000
DISTANCE_LIMITS = (4, 8, 16)
PAIRS_SHOWN = 12


def count_duplicates(splits: Mapping[str, Examples]) -> Iterator[Duplicates]:
    """Count exact duplicates within every split and between every two splits, in the order given."""
    digests = {name: [_digest(image) for image in examples.images] for name, examples in splits.items()}
    for first, second in combinations_with_replacement(splits, 2):
        labels: dict[bytes, set[int]] = {}
        if first != second:
            for digest, label in zip(digests[first], splits[first].labels.tolist(), strict=True):
                labels.setdefault(digest, set()).add(label)
        images = conflicts = 0
        for digest, label in zip(digests[second], splits[second].labels.tolist(), strict=True):
            if digest in labels:
                images += 1
                conflicts += labels[digest] != {label}
            if first == second:
                labels.setdefault(digest, set()).add(label)
        yield Duplicates(first=first, second=second, images=images, label_conflicts=conflicts)


def find_near_duplicates(
    training: Examples, others: Examples, *, split: str, labels: tuple[str, ...], seed: int = 0
) -> tuple[NearDuplicates, Images]:
    """Find the nearest training image of each image in a sample of at most `MAX_COMPARED_IMAGES` others.

    Distances are root-mean-square differences of gray levels, at no more than `MAX_COMPARED_SIDE_PX` pixels a side.

    Returns:
        The counts and the closest pairs, and the images of these pairs uint8 `[2·pairs, …]`: the other image, then
        the training image.
    """
    sample = np.random.default_rng(seed).permutation(len(others))[:MAX_COMPARED_IMAGES]
    nearest, distances = _nearest(_gray_rows(training.images), _gray_rows(others.images[sample]))
    closest = np.argsort(distances, kind="stable")[:PAIRS_SHOWN]
    pairs = [
        Pair(
            index=int(sample[row]),
            label=labels[others.labels[sample[row]]],
            training_index=int(nearest[row]),
            training_label=labels[training.labels[nearest[row]]],
            distance=round(float(distances[row]), 2),
        )
        for row in closest
    ]
    near = NearDuplicates(
        split=split,
        images=len(sample),
        within={str(limit): int((distances <= limit).sum()) for limit in DISTANCE_LIMITS},
        median=round(float(np.median(distances)), 2),
        pairs=pairs,
    )
    pictures = np.stack([others.images[sample[closest]], training.images[nearest[closest]]], axis=1)
    return near, pictures.reshape(-1, *others.images.shape[1:])


def _digest(image: Images) -> bytes:
    return hashlib.blake2b(image.tobytes(), digest_size=16).digest()


def _gray_rows(images: Images) -> Floats:
    """Return gray levels `[N, pixels]`, after shrinking images of more than `MAX_COMPARED_SIDE_PX` pixels a side."""
    if max(images.shape[1:3]) > MAX_COMPARED_SIDE_PX:
        images = stretch_images(images, side=MAX_COMPARED_SIDE_PX)
    gray = images.mean(axis=3, dtype=np.float32) if images.ndim == 4 else images.astype(np.float32)
    return gray.reshape(len(images), -1)


def _nearest(training: Floats, others: Floats) -> tuple[Labels, Floats]:
    """Return (index of the nearest training row, root-mean-square difference to it) for each of the others."""
    nearest, distances = pairwise_distances_argmin_min(others, training)
    return nearest, distances / np.sqrt(others.shape[1])
