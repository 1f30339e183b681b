"""Classify one image, measure how well its heatmap explains the prediction, and save the heatmap over the image.

python examples/explain_one_image.py photo.jpg overlay.png
"""

import argparse
import os
from pathlib import Path

from batchlight import Client


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("image", type=Path)
    parser.add_argument("overlay", type=Path, help="the PNG to write")
    args = parser.parse_args()

    with Client(os.environ["BATCHLIGHT_URL"], os.environ["BATCHLIGHT_KEY"]) as client:
        prediction = client.predict(args.image, explain="full")
        args.overlay.write_bytes(client.overlay(prediction.job_id, 0))

    for score in prediction.top_k:
        print(f"{score.label}\t{score.confidence:.1%}")
    # From -1 to 1. Above 0 the heatmap points at what the model used; a random heatmap scores 0 on average.
    print(f"faithfulness {prediction.faithfulness:+.2f}")
    print(f"wrote {args.overlay}")


if __name__ == "__main__":
    main()
