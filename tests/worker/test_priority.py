"""The priority of bulk workers on a busy processor."""

import psutil
import pytest

from tests.stacks import RunningStack
from worker.runtime.priority import BULK_NICENESS


@pytest.mark.parametrize(("worker", "lower_by"), [("worker-bulk", BULK_NICENESS), ("worker-interactive", 0)])
def test_bulk_children_and_they_alone_leave_the_processor_to_others(
    stack: RunningStack, worker: str, lower_by: int
) -> None:
    parent = psutil.Process(stack.supervisor.pids()[worker])

    assert {child.nice() - parent.nice() for child in parent.children()} == {lower_by}
