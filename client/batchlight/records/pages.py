"""Pages of lists."""

from dataclasses import dataclass
from typing import Generic, TypeVar

Record = TypeVar("Record")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[Record]):
    """One page of a list.

    Attributes:
        data: The records of this page.
        next: Cursor of the next page, to pass as `after`; None on the last page.

    Example:
        ```python
        first = client.jobs_page(limit=20)
        second = client.jobs_page(limit=20, after=first.next)
        ```
    """

    data: tuple[Record, ...]
    next: str | None = None
