"""Images that occur twice, exactly or nearly: in one split they are wasted, across splits they flatter a model."""

import hashlib
from collections.abc import Iterator, Mapping
from itertools import combinations_with_replacement

import numpy as np
from numpy.typing import NDArray

from training.data.fashion_mnist import Examples, resize
from training.findings import Duplicates, NearDuplicates, Pair

Images = NDArray[np.uint8]
Floats = NDArray[np.float32]
SIDE = 32
CHUNK = 256
DISTANCES = (4, 8, 16)
PAIRS = 12


def count_duplicates(splits: Mapping[str, Examples]) -> Iterator[Duplicates]:
    """Within every split and between every two, in the order given."""
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
        yield Duplicates(first=first, second=second, images=images, conflicts=conflicts)


def find_near(
    training: Examples, others: Examples, *, split: str, labels: tuple[str, ...], most: int = 2000, seed: int = 0
) -> tuple[NearDuplicates, Images]:
    """The nearest training image of each of at most so many others, and pictures of the closest pairs.

    The pictures come two and two: the other image, then the training image.
    """
    sample = np.random.default_rng(seed).permutation(len(others))[:most]
    nearest, distances = _nearest(_flat(training.images), _flat(others.images[sample]))
    closest = np.argsort(distances, kind="stable")[:PAIRS]
    pairs = [
        Pair(
            index=int(sample[place]),
            label=labels[others.labels[sample[place]]],
            training_index=int(nearest[place]),
            training_label=labels[training.labels[nearest[place]]],
            distance=round(float(distances[place]), 2),
        )
        for place in closest
    ]
    near = NearDuplicates(
        split=split,
        images=len(sample),
        within={str(distance): int((distances <= distance).sum()) for distance in DISTANCES},
        median=round(float(np.median(distances)), 2),
        pairs=pairs,
    )
    pictures = np.stack([others.images[sample[closest]], training.images[nearest[closest]]], axis=1)
    return near, pictures.reshape(-1, *others.images.shape[1:])


def _digest(image: Images) -> bytes:
    return hashlib.blake2b(image.tobytes(), digest_size=16).digest()


def _flat(images: Images) -> Floats:
    """Gray levels `[N, pixels]`, of images that are at most 32 pixels a side."""
    if max(images.shape[1:3]) > SIDE:
        images = resize(images, SIDE)
    gray = images.mean(axis=3, dtype=np.float32) if images.ndim == 4 else images.astype(np.float32)
    return gray.reshape(len(images), -1)


def _nearest(known: Floats, asked: Floats) -> tuple[NDArray[np.int64], Floats]:
    """For each asked image the nearest known one and its distance: the root of the mean squared difference."""
    lengths = np.einsum("ij,ij->i", known, known)
    nearest = np.zeros(len(asked), np.int64)
    for start in range(0, len(asked), CHUNK):
        products = asked[start : start + CHUNK] @ known.T
        nearest[start : start + CHUNK] = (lengths - 2 * products).argmin(axis=1)
    distances = np.sqrt(((asked - known[nearest]) ** 2).mean(axis=1))
    return nearest, distances
