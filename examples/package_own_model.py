"""Package an ONNX model of your own as a model version that the server serves without a restart.

    python examples/package_own_model.py --artifacts artifacts
    batchlight submit photos/ --model brightness --wait

The model has two classes, dark and light. `docs/models.md` says what every graph must take and return. Run the script
in the server's checkout, after `pip install onnx ".[worker]"`.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import onnx

GRAPH = """
<ir_version: 8, opset_import: ["" : 17]>
brightness (uint8[N,32,32,3] images) => (float[N,2] probabilities, float[N,32,32] cam) {
    white = Constant<value = float {255.0}>()
    one = Constant<value = float {1.0}>()
    classes = Constant<value = int64[1] {1}>()
    pixels = Cast<to = 1>(images)
    shades = Div(pixels, white)
    cam = ReduceMean<axes = [3], keepdims = 0>(shades)
    light = ReduceMean<axes = [1, 2, 3], keepdims = 0>(shades)
    dark = Sub(one, light)
    of_dark = Unsqueeze(dark, classes)
    of_light = Unsqueeze(light, classes)
    probabilities = Concat<axis = 1>(of_dark, of_light)
}
"""

MANIFEST = {
    "labels": ["dark", "light"],
    "input": {"height": 32, "width": 32},
    "cam": {"layer": "pixels", "height": 32, "width": 32},
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--artifacts", type=Path, default=Path("artifacts"), help="the server's folder of models")
    parser.add_argument("--version", default="1.0.0")
    args = parser.parse_args()

    folder = args.artifacts / "brightness" / args.version
    if folder.exists():
        parser.error(f"{folder} exists, and a version never changes. Package another one, for example --version 1.1.0")
    folder.mkdir(parents=True)
    onnx.save(onnx.parser.parse_model(GRAPH), folder / "model.onnx")
    (folder / "manifest.json").write_text(json.dumps(MANIFEST))
    # Runs the graph once, completes the manifest and adds the digests that workers verify.
    sys.exit(subprocess.run([sys.executable, "-m", "training", "package", str(folder)], check=False).returncode)


if __name__ == "__main__":
    main()
