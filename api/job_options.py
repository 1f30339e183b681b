"""What a client may choose for a job, in the query string of `POST /v1/jobs` and `POST /predict`."""

from typing import Annotated

from fastapi import Query
from pydantic import AfterValidator, BaseModel, Field

from core.names import clean
from core.states import Explain

MAX_TOP_K = 100
MAX_JOB_NAME_LENGTH = 200


class JobOptions(BaseModel):
    """The choices of a job."""

    model: str | None = Field(
        default=None,
        description="The model that classifies the images: `name`, `name/version` or `name/version/precision`. Without "
        "a version, the one that the alias `latest` names; without a precision, the version's first. The job keeps the "
        "version for good. Without this parameter, the server's default model.",
        examples=["fashion-mnist", "fashion-mnist/1.1.0/int8"],
    )
    top_k: int = Field(
        default=3,
        ge=1,
        le=MAX_TOP_K,
        description="How many classes each item lists, the most probable first; all of them if the model has fewer.",
    )
    explain: Explain = Field(
        default=Explain.CAM,
        description="How far each prediction is explained. `cam`: it has its Grad-CAM. `full`: it also has "
        f"`faithfulness`, which takes {Explain.FULL.cost - 1} more classifications per image.",
    )
    name: Annotated[str | None, AfterValidator(lambda name: name and clean(name))] = Field(
        default=None,
        max_length=MAX_JOB_NAME_LENGTH,
        description="A label of the job for people, shown where jobs are listed. Control characters are removed.",
        examples=["autumn catalog"],
    )


Options = Annotated[JobOptions, Query()]
