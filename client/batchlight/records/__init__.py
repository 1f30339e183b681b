"""The server's responses as frozen records. Fields that this version does not list are ignored."""

from batchlight.records.items import Cam, Item, ItemError, Prediction, Score
from batchlight.records.jobs import Counts, Job, Options, Skipped
from batchlight.records.models import Model, ModelName, ModelUsed
from batchlight.records.pages import Page
from batchlight.records.states import Explain, ItemState, ItemStateName, JobKind, JobState, Queue

__all__ = [
    "Cam",
    "Counts",
    "Explain",
    "Item",
    "ItemError",
    "ItemState",
    "ItemStateName",
    "Job",
    "JobKind",
    "JobState",
    "Model",
    "ModelName",
    "ModelUsed",
    "Options",
    "Page",
    "Prediction",
    "Queue",
    "Score",
    "Skipped",
]
