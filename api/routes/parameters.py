"""Path and query parameters that several routes have."""

from typing import Annotated

from fastapi import Path, Query

from api.cursors import MAX_LIMIT

JobId = Annotated[
    str, Path(description="The job's id: 32 hexadecimal digits.", examples=["0f8fad5bd9cb469fa165708867283950"])
]
Index = Annotated[int, Path(ge=0, lt=2**31, description="The image's index in its job, from 0.")]
Limit = Annotated[
    int,
    Query(description=f"Entries of a page, from 1 to {MAX_LIMIT}. A value outside is replaced by the nearest inside."),
]
After = Annotated[str | None, Query(description="`next` of the page before, unchanged. Without it, the first page.")]
