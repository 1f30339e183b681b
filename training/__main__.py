"""The command line of training: `python -m training COMMAND`."""

import sys
from importlib import import_module

COMMANDS = {
    "pipeline": ("training.pipeline", "train, export and promote a model in one go (`make train`)"),
    "explore": ("training.data.explore", "describe a data set"),
    "train": ("training.fit.train", "train a classifier"),
    "export": ("training.publish.export", "evaluate a trained classifier and publish it as a model version"),
    "promote": ("training.publish.promote", "make a version the latest, or roll back"),
    "evaluate": ("training.evaluation.evaluate", "evaluate a model version on labeled images"),
    "explain": ("training.explanation.explain", "evaluate the explanations of a model version"),
    "report": ("training.report.report", "write the report from what the other commands saved"),
    "package": ("training.publish.package", "make an artifact of a folder with an ONNX graph"),
}
"""The module and the description of each command."""

OWN_PACKAGES = {"model", "training"}


def main(argv: list[str] | None = None) -> None:
    """Run the command that the first argument names with the other arguments."""
    arguments = sys.argv[1:] if argv is None else argv
    name, *rest = arguments or ["--help"]
    if name in ("-h", "--help"):
        sys.stdout.write(_help())
        return
    if name not in COMMANDS:
        sys.exit(f"there is no command {name!r}; choose one of {', '.join(COMMANDS)}")
    try:
        import_module(COMMANDS[name][0]).main(rest)
    except ModuleNotFoundError as error:
        library = (error.name or "").partition(".")[0]
        if library in {"", *OWN_PACKAGES}:
            raise
        sys.exit(f"python -m training {name} needs {library}, which is not installed; run: make training-env")


def _help() -> str:
    lines = [f"  {name:<9} {description}" for name, (_, description) in COMMANDS.items()]
    usage = "usage: python -m training COMMAND [options]    (COMMAND --help lists its options)"
    return "\n".join([usage, "", "commands:", *lines, ""])


if __name__ == "__main__":
    main()
