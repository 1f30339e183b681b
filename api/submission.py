"""Makes the submission of a stored upload: the job that a client asked for, pinned to its model version."""

from api.job_options import JobOptions
from api.model_catalog import PinnedModel
from api.uploads.writer import UploadWriter
from core.jobs.submission import NewJob, Submission
from core.settings import Settings
from core.states import JobKind


def new_submission(
    upload: UploadWriter, options: JobOptions, *, kind: JobKind, owner: str, model: PinnedModel, settings: Settings
) -> Submission:
    """Return the submission of this owner's upload; its job's results are kept as long as the settings say."""
    job = NewJob(
        id=upload.job_id,
        owner=owner,
        kind=kind,
        name=options.name,
        model_name=model.name,
        model_version=model.version,
        precision=model.precision,
        top_k=options.top_k,
        explain=options.explain,
        retention_s=settings.predict_retention_s if kind == JobKind.PREDICT else settings.job_retention_s,
        skipped=upload.skipped,
        skipped_total=upload.skipped_total,
    )
    return Submission(job, upload.stored)
