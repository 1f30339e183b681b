"""The connection that every method of the client uses."""

from collections.abc import Iterator
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import quote

from batchlight.http.transport import Params, Transport
from batchlight.parsing import parse
from batchlight.records import Page

T = TypeVar("T")

PAGE_LIMIT = 500
"""Records that the client asks for at once when it iterates over a list."""


class Connection:
    """One server and one key. Use it as a context manager, or call `close()`."""

    def __init__(self, base_url: str, key: str) -> None:
        self._transport = Transport(base_url, key)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections to the server. The client cannot be used afterwards.

        Example:
            ```python
            client = Client("http://127.0.0.1:8000", key)
            try:
                client.models()
            finally:
                client.close()
            ```
        """
        self._transport.close()

    def _get(self, kind: type[T], path: str, params: Params | None = None) -> T:
        response = self._transport.get(path, params=params)
        return parse(kind, response.content, source=str(response.url))

    def _pages(self, kind: type[Page[T]], path: str, params: Params | None = None) -> Iterator[T]:
        """Every record of a list. Each page is requested when its first record is."""
        after: str | None = None
        while True:
            page = self._get(kind, path, page_params(limit=PAGE_LIMIT, after=after, more=params))
            yield from page.data
            after = page.next
            if after is None:
                return


def job_path(job_id: str) -> str:
    """Path of the job in the API."""
    return f"/v1/jobs/{quote(job_id, safe='')}"


def page_params(*, limit: int, after: str | None, more: Params | None = None) -> Params:
    """Query parameters of one page of a list."""
    return chosen(**(more or {}), limit=limit, after=after)


def chosen(**options: str | int | None) -> Params:
    """The options that the caller passed. The server chooses the others."""
    return {option: value for option, value in options.items() if value is not None}
