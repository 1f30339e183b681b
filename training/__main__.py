"""Train, evaluate and publish in one go: `python -m training`."""

import argparse

from training import export, train


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m training", description="Train, evaluate and publish a model.")
    parser.add_argument("--data-dir", help="folder with the four IDX files, plain or .gz")
    parser.add_argument("--weights", default="imagenet", help=".weights.h5 file; default: Keras' own download")
    parser.add_argument("--resume", action="store_true", help="go on with an interrupted run")
    args = parser.parse_args()
    data = ["--data-dir", args.data_dir] if args.data_dir else []
    train.main([*data, "--weights", args.weights, *(["--resume"] if args.resume else [])])
    export.main(data)


if __name__ == "__main__":
    main()
