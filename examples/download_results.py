"""Download the archive of an ended job, and summarize its `results.csv` by label.

python examples/download_results.py JOB results.zip
"""

import argparse
import csv
import io
import os
import zipfile
from collections import defaultdict
from pathlib import Path
from statistics import mean

from batchlight import Client


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("job", metavar="JOB", help="the job's id")
    parser.add_argument("archive", type=Path, help="the ZIP to write")
    args = parser.parse_args()

    with Client(os.environ["BATCHLIGHT_URL"], os.environ["BATCHLIGHT_KEY"]) as client:
        archive = client.download(args.job, args.archive)

    print("label\timages\tmean confidence")
    for label, confidences in sorted(confidences_by_label(archive).items()):
        print(f"{label}\t{len(confidences)}\t{mean(confidences):.3f}")


def confidences_by_label(archive: Path) -> dict[str, list[float]]:
    """The confidence of every classified image, by its label."""
    confidences: dict[str, list[float]] = defaultdict(list)
    with zipfile.ZipFile(archive) as files, files.open("results.csv") as content:
        for row in csv.DictReader(io.TextIOWrapper(content, "utf-8", newline="")):
            if row["state"] == "succeeded":
                confidences[row["label"]].append(float(row["confidence"]))
    return confidences


if __name__ == "__main__":
    main()
