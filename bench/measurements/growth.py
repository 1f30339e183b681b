"""How the time per image and a worker's memory grow with the size of a job."""

from bench.harness.bench_harness import BenchHarness
from bench.harness.results import Measured, Results, ratio
from bench.harness.stack import BenchError
from bench.measurements.bulk import bulk_rate
from bench.measurements.resident_memory import sampled_peak, worker_memory_mib

WARM_UP_JOBS = 2
MIN_SHORT_JOBS = 2


def growth(harness: BenchHarness) -> Results:
    """Measure short jobs and one long job: the time per image, and a worker process's memory before and after."""
    stack, sizes = harness.stack, harness.sizes
    for _ in range(WARM_UP_JOBS):
        bulk_rate(stack, harness.small_zip(sizes.bulk_images))
    short_zip = harness.small_zip(sizes.short_job_images)
    short = [bulk_rate(stack, short_zip) for _ in range(max(sizes.pairs, MIN_SHORT_JOBS))]
    before = worker_memory_mib(stack)
    with sampled_peak(lambda: max(worker_memory_mib(stack).values())) as peak:
        long = bulk_rate(stack, harness.small_zip(sizes.long_job_images))
    after = worker_memory_mib(stack)
    relative_growth = [after[pid] / before[pid] - 1 for pid in before.keys() & after.keys()]
    if not relative_growth:
        raise BenchError("Every bulk process was replaced during the long job, so none shows how its memory grew.")
    after_detail = {"after_mib": max(after.values()), "images": sizes.long_job_images}
    return {
        "growth_1k_100k": ratio(short, [long] * len(short), names=("short_images_per_s", "long_images_per_s")),
        "worker_rss_mib": Measured([peak.highest_mib], {"before_mib": max(before.values())}),
        "worker_growth": Measured([max(relative_growth)], after_detail),
    }
