"""Batchlight's Python client: classify images in bulk, see why, download the results.

from batchlight import Client

with Client("http://127.0.0.1:8000", key) as client:
    job = client.wait(client.submit("photos").id)
    for item in client.items(job.id):
        print(item.name, item.label, item.confidence)
    client.download(job.id, "results.zip")
"""

from batchlight.client.client import Client
from batchlight.errors import (
    BatchlightError,
    ConnectionLost,
    InvalidAddress,
    InvalidDestination,
    InvalidUpload,
    MissingKey,
    NotAuthenticated,
    Problem,
    ProblemError,
    UnexpectedResponse,
    Unreachable,
    WaitTimeout,
)
from batchlight.files import SourceFile, Upload, gather
from batchlight.http.sending import Progress
from batchlight.polling import JobProgress
from batchlight.records import (
    Cam,
    Counts,
    Explain,
    Item,
    ItemError,
    ItemState,
    Job,
    JobKind,
    JobState,
    Model,
    ModelName,
    ModelUsed,
    Options,
    Page,
    Prediction,
    Queue,
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
    "InvalidAddress",
    "InvalidDestination",
    "InvalidUpload",
    "Item",
    "ItemError",
    "ItemState",
    "Job",
    "JobKind",
    "JobProgress",
    "JobState",
    "MissingKey",
    "Model",
    "ModelName",
    "ModelUsed",
    "NotAuthenticated",
    "Options",
    "Page",
    "Prediction",
    "Problem",
    "ProblemError",
    "Progress",
    "Queue",
    "Score",
    "Skipped",
    "SourceFile",
    "UnexpectedResponse",
    "Unreachable",
    "Upload",
    "WaitTimeout",
    "gather",
]
