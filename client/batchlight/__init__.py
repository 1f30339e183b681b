"""Batchlight's Python client: classify images in bulk, see why, download the results.

from batchlight import Client

with Client("http://127.0.0.1:8000", key) as client:
    job = client.wait(client.submit("photos").id)
    for item in client.items(job.id):
        print(item.name, item.label, item.confidence)
    client.download(job.id, "results.zip")
"""

from batchlight.client import Client
from batchlight.errors import (
    BatchlightError,
    ConnectionLost,
    Fault,
    InvalidAddress,
    InvalidUpload,
    MissingKey,
    NotAuthenticated,
    Problem,
    UnexpectedAnswer,
    Unreachable,
    WaitTimeout,
)
from batchlight.files import SourceFile, Upload, gather
from batchlight.records import (
    Cam,
    Counts,
    Explain,
    Item,
    ItemError,
    Job,
    Model,
    ModelName,
    ModelUsed,
    Options,
    Page,
    Prediction,
    Score,
    Skipped,
)

__all__ = [
    "BatchlightError",
    "Cam",
    "Client",
    "ConnectionLost",
    "Counts",
    "Explain",
    "Fault",
    "InvalidAddress",
    "InvalidUpload",
    "Item",
    "ItemError",
    "Job",
    "MissingKey",
    "Model",
    "ModelName",
    "ModelUsed",
    "NotAuthenticated",
    "Options",
    "Page",
    "Prediction",
    "Problem",
    "Score",
    "Skipped",
    "SourceFile",
    "UnexpectedAnswer",
    "Unreachable",
    "Upload",
    "WaitTimeout",
    "gather",
]
