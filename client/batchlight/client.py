"""The API as Python methods."""

import os
from collections.abc import Iterable, Iterator
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import quote

from batchlight.answers import json_of
from batchlight.bodies import body_of, multipart_body
from batchlight.download import download
from batchlight.errors import InvalidUpload, Problem, UnexpectedAnswer
from batchlight.files import AnyPath, Upload, gather
from batchlight.parsing import parse
from batchlight.polling import JobProgress, wait_for
from batchlight.records import Explain, Item, Job, Model, Page, Prediction
from batchlight.sending import Progress
from batchlight.transport import Params, Transport

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Record = TypeVar("Record", bound="DataclassInstance")

PAGE_ITEMS = 500
OVERLAY_PATIENCE_S = 30.0
"""An overlay is drawn when it is first asked for; until a worker is free, the server answers 503."""


class Client:
    """One Batchlight server, with one key. Use it as a context manager, or call `close()`.

    Every method may raise the errors of `batchlight.errors`. Reads are retried over short interruptions; what
    makes a job is sent once.
    """

    def __init__(self, base_url: str, key: str) -> None:
        self._transport = Transport(base_url, key)

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._transport.close()

    def submit(
        self,
        paths: AnyPath | Iterable[AnyPath],
        *,
        model: str | None = None,
        top_k: int | None = None,
        explain: Explain | None = None,
        name: str | None = None,
        progress: Progress | None = None,
    ) -> Job:
        """Send files, folders and ZIPs as one job. `progress` is called with bytes sent and bytes in all.

        With `explain="full"` every item also has its `faithfulness`, at about 17 times the cost.
        """
        return self.send(gather(paths), model=model, top_k=top_k, explain=explain, name=name, progress=progress)

    def send(
        self,
        upload: Upload,
        *,
        model: str | None = None,
        top_k: int | None = None,
        explain: Explain | None = None,
        name: str | None = None,
        progress: Progress | None = None,
    ) -> Job:
        """Like `submit`, for what `gather` has already found."""
        params = _chosen(model=model, top_k=top_k, explain=explain, name=name)
        answer = self._transport.post("/v1/jobs", body_of(upload.files), params=params, progress=progress)
        return parse(Job, json_of(answer))

    def wait(self, job_id: str, *, timeout_s: float | None = None, progress: JobProgress | None = None) -> Job:
        """The job once it has ended. `progress` is called with the job whenever it has changed."""
        return wait_for(self._transport, _path(job_id), timeout_s=timeout_s, progress=progress)

    def job(self, job_id: str) -> Job:
        return parse(Job, json_of(self._transport.get(_path(job_id))))

    def jobs(self) -> Iterator[Job]:
        """Every job of this key's owner, newest first, page by page as they are asked for."""
        return self._paged(Job, "/v1/jobs")

    def jobs_page(self, *, limit: int, after: str | None = None) -> Page[Job]:
        """Up to `limit` jobs, newest first; `after` is the `next` of an earlier page."""
        return self._page(Job, "/v1/jobs", {"limit": limit}, after)

    def items(self, job_id: str, *, state: str | None = None) -> Iterator[Item]:
        """The outcomes there are so far, by index, page by page; `state` is "succeeded" or "failed"."""
        return self._paged(Item, f"{_path(job_id)}/items", {"state": state} if state else {})

    def items_page(self, job_id: str, *, limit: int, after: str | None = None, state: str | None = None) -> Page[Item]:
        """Up to `limit` outcomes by index; `after` is the `next` of an earlier page of the same `state`."""
        wished: Params = {"limit": limit, "state": state} if state else {"limit": limit}
        return self._page(Item, f"{_path(job_id)}/items", wished, after)

    def item(self, job_id: str, index: int) -> Item:
        return parse(Item, json_of(self._transport.get(f"{_path(job_id)}/items/{index}")))

    def image(self, job_id: str, index: int) -> bytes:
        """The image as it was sent."""
        return self._transport.get(f"{_path(job_id)}/items/{index}/image").content

    def overlay(self, job_id: str, index: int) -> bytes:
        """PNG of the image with its Grad-CAM laid over it."""
        return self._transport.get(f"{_path(job_id)}/items/{index}/overlay.png", patience_s=OVERLAY_PATIENCE_S).content

    def download(self, job_id: str, to: AnyPath, *, progress: Progress | None = None) -> Path:
        """An ended job's archive, into the file or folder `to`; returns the file.

        Waits while it is built and resumes what was cut off, also by an earlier run.
        """
        file = Path(to, f"batchlight-{job_id}.zip") if Path(to).is_dir() else Path(to)
        return download(self._transport, f"{_path(job_id)}/archive", file, progress=progress)

    def cancel(self, job_id: str) -> Job:
        """Stop a job: queued images at once, running ones at their next batch; finished items stay."""
        return parse(Job, json_of(self._transport.act("POST", f"{_path(job_id)}/cancel")))

    def retry(self, job_id: str) -> Job:
        """Have an ended job's failed images inferred once more; everything that succeeded stays as it is."""
        return parse(Job, json_of(self._transport.act("POST", f"{_path(job_id)}/retry")))

    def delete(self, job_id: str) -> None:
        """Delete a job's images and results for good, ending it first if it runs."""
        self._transport.act("DELETE", _path(job_id))

    def predict(self, path: AnyPath, *, explain: Explain | None = None) -> Prediction:
        """Class and confidence of one image, while you wait. A Problem with status 415 if it is no image."""
        files = gather(path).files
        if len(files) != 1 or files[0].is_zip:
            raise InvalidUpload(f"{os.fspath(path)} is not one image. To classify many, submit them as a job.")
        answer = self._transport.post("/predict", multipart_body(files), params=_chosen(explain=explain))
        if answer.status_code == HTTPStatus.ACCEPTED:
            return self._late_prediction(answer.headers.get("location", ""))
        return parse(Prediction, json_of(answer))

    def models(self) -> list[Model]:
        found = json_of(self._transport.get("/v1/models"))
        return [parse(Model, each) for each in _data(found)]

    def _paged(self, kind: type[Record], path: str, params: Params | None = None) -> Iterator[Record]:
        wished: Params = {**(params or {}), "limit": PAGE_ITEMS}
        after: str | None = None
        while True:
            page = self._page(kind, path, wished, after)
            yield from page.data
            after = page.next
            if after is None:
                return

    def _page(self, kind: type[Record], path: str, params: Params, after: str | None) -> Page[Record]:
        found = json_of(self._transport.get(path, params={**params, "after": after} if after else params))
        following = found.get("next") if isinstance(found, dict) else None
        data = tuple(parse(kind, each) for each in _data(found))
        return Page(data=data, next=following if isinstance(following, str) else None)

    def _late_prediction(self, location: str) -> Prediction:
        """What a busy server promised instead of the prediction: follow its job, then read the one item."""
        job_id = location.rstrip("/").rpartition("/")[2]
        self.wait(job_id)
        item = self.item(job_id, 0)
        if item.label is None or item.confidence is None:
            raise _as_problem(item)
        return Prediction(
            label=item.label,
            confidence=item.confidence,
            top_k=item.top_k,
            cam=item.cam,
            faithfulness=item.faithfulness,
            model=item.model,
            job_id=job_id,
            links=item.links,
        )


def _path(job_id: str) -> str:
    return f"/v1/jobs/{quote(job_id, safe='')}"


def _chosen(**options: str | int | None) -> Params:
    """The options that were given; the others are left to the server."""
    return {option: value for option, value in options.items() if value is not None}


def _data(page: object) -> list[object]:
    data = page.get("data") if isinstance(page, dict) else None
    if isinstance(data, list):
        return data
    raise UnexpectedAnswer("The server's answer has no list of data.")


def _as_problem(item: Item) -> Problem:
    """The answer that /predict would have given had it not been late."""
    code = item.error.code if item.error else "no_prediction"
    detail = item.error.message if item.error else None
    return Problem(status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE, code=code, title="Not classified", detail=detail)
