"""Follow a job that was submitted elsewhere, and print why images failed. Ends in 1 if any did.

python examples/follow_job.py JOB --timeout-s 600
"""

import argparse
import os
import sys
from collections import Counter

from batchlight import Client, Job


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("job", metavar="JOB", help="the job's id")
    parser.add_argument("--timeout-s", type=float, help="longest wait, in seconds")
    args = parser.parse_args()

    with Client(os.environ["BATCHLIGHT_URL"], os.environ["BATCHLIGHT_KEY"]) as client:
        job = client.wait(args.job, timeout_s=args.timeout_s, progress=print_progress)
        failures = [(item.name, item.error) for item in client.items(job.id, state="failed") if item.error]
    for name, error in failures:
        print(f"{name}: {error.code}: {error.message}")
    for code, count in Counter(error.code for _, error in failures).most_common():
        print(f"{count} × {code}")
    sys.exit(0 if job.succeeded else 1)


def print_progress(job: Job) -> None:
    print(f"{job.state}: {job.counts.ended}/{job.counts.total}, {job.counts.failed} failed", flush=True)


if __name__ == "__main__":
    main()
