"""How much of an object one shard stands for: as many images as take the same work, whatever each of them costs.

So a shard's time limit, the price of a crash and the steps of a job's progress do not depend on what is asked of it,
and an upload is still stored in few objects.
"""

from collections.abc import Iterator, Sequence

from core.states import Explain


def portions(positions: Sequence[int], *, explain: Explain, shard_images: int) -> Iterator[list[int]]:
    """The positions, in order, in parts of at most `shard_images` images' work; at least one image a part."""
    most = max(1, shard_images // explain.cost)
    for start in range(0, len(positions), most):
        yield list(positions[start : start + most])
