"""Submit a folder of images as one job, wait for its end, and print every label.

python examples/submit_folder.py photos/
"""

import argparse
import os
from pathlib import Path

from batchlight import Client


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder

    with Client(os.environ["BATCHLIGHT_URL"], os.environ["BATCHLIGHT_KEY"]) as client:
        job = client.wait(client.submit(folder, name=folder.name).id)
        print(f"{job.state}: {job.counts.succeeded} of {job.counts.total} images are classified")
        for item in client.items(job.id, state="succeeded"):
            print(f"{item.name}\t{item.label}\t{item.confidence:.3f}")


if __name__ == "__main__":
    main()
