"""Which GPU a child of a worker takes."""

import time

from billiard import Pool

from worker.inference.model_cache import child_number


def slow_child_number(_task: int) -> int:
    time.sleep(0.2)
    return child_number()


def test_every_child_of_a_pool_has_a_number_of_its_own() -> None:
    with Pool(3) as pool:
        assert set(pool.map(slow_child_number, range(6), chunksize=1)) == {0, 1, 2}


def test_a_process_that_is_no_child_has_the_first() -> None:
    assert child_number() == 0
