"""The simplest prediction server: FastAPI with the model in its own process.

`uvicorn --factory bench.baselines.fastapi_app:create_app` runs it.
"""

from fastapi import FastAPI, UploadFile

from bench.harness.bench_harness import ARTIFACTS, MODEL
from model.artifact import find_artifact
from model.decode import decode
from model.engines.load import load_engine


def create_app() -> FastAPI:
    """Return an app that holds the warm model and infers the one image of a request in the request's thread."""
    artifact = find_artifact(ARTIFACTS, MODEL)
    engine = load_engine(artifact, engine="onnx", threads=1, batch_size=1)
    engine.warm_up()
    app = FastAPI()

    @app.post("/predict")
    def predict(file: UploadFile) -> dict[str, object]:
        size = artifact.manifest.input
        image = decode(file.file.read(), height=size.height, width=size.width)
        inference = engine.infer(image.pixels[None])
        best = int(inference.probabilities[0].argmax())
        return {
            "label": artifact.manifest.labels[best],
            "confidence": float(inference.probabilities[0][best]),
            "cam": inference.cam[0].tolist(),
        }

    return app
