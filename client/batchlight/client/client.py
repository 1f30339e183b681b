"""The client: submit images as a job, or predict one at once."""

import os
import shlex
from collections.abc import Iterable
from http import HTTPStatus

from batchlight.client.connection import chosen
from batchlight.client.jobs import JobMethods
from batchlight.client.results import ResultMethods
from batchlight.errors import InvalidUpload, Problem
from batchlight.files import AnyPath, Upload, gather
from batchlight.http.bodies import body_of, multipart_body
from batchlight.http.sending import Progress
from batchlight.parsing import parse
from batchlight.records import Explain, Item, Job, Prediction


class Client(JobMethods, ResultMethods):
    """A client of one Batchlight server with one key. Use it as a context manager, or call `close()`.

    Reads are retried over short interruptions. A request that creates or changes a job is sent once.

    Args:
        base_url: Address of the server, for example `"http://127.0.0.1:8000"`.
        key: API key. The client sees the jobs of the key's owner.

    Raises:
        InvalidAddress: `base_url` is not an http or https address.
        MissingKey: `key` is empty or contains characters that no key contains.

    Example:
        ```python
        with Client("http://127.0.0.1:8000", "bl_…") as client:
            job = client.wait(client.submit("photos").id)
            for item in client.items(job.id):
                print(item.name, item.label, item.confidence)
            client.download(job.id, "results.zip")
        ```
    """

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
        """Send files, folders and ZIP files as one job.

        Args:
            paths: Images, folders and ZIP files; one path or several. `gather` says how folders are read.
            model: `"name"`, `"name/version"` or `"name/version/precision"`; None for the server's default.
            top_k: Number of classes that each item lists, from 1 to 100; None for the server's default, 3.
            explain: `"cam"`: each item has a Grad-CAM. `"full"`: its `faithfulness` is measured too, which takes
                about 17 times as long. None for the server's default, `"cam"`.
            name: Label for people, up to 200 characters.
            progress: Called with the bytes sent so far and the bytes in total.

        Returns:
            The accepted job. It has not ended yet; see `wait`.

        Raises:
            InvalidUpload: A path is missing or unreadable, there are no images or too many, or a file changed while
                it was sent. No job was created.
            Problem: The server refuses the upload, for example an unknown model (`unknown_model`), a body over its
                limit (`body_too_large`) or a damaged ZIP (`bad_zip`). No job was created.
            NotAuthenticated: The key is not valid. No job was created.
            ConnectionLost: The connection broke during the upload. The message says whether the job may exist.
            Unreachable: The server did not respond. No job was created.
            UnexpectedResponse: The response is not a job.

        Example:
            ```python
            job = client.submit(["photos", "more.zip"], model="fashion-mnist", top_k=5, name="October")
            ```
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
        """Send an upload that `gather` has found, or that the caller has composed, as one job.

        Args:
            upload: The files to send.
            model: `"name"`, `"name/version"` or `"name/version/precision"`; None for the server's default.
            top_k: Number of classes that each item lists, from 1 to 100; None for the server's default, 3.
            explain: `"cam"` or `"full"`, as for `submit`; None for the server's default.
            name: Label for people, up to 200 characters.
            progress: Called with the bytes sent so far and the bytes in total.

        Returns:
            The accepted job. It has not ended yet; see `wait`.

        Raises:
            InvalidUpload: A file is unreadable or changed while it was sent. No job was created.
            Problem: The server refuses the upload. No job was created.
            NotAuthenticated: The key is not valid. No job was created.
            ConnectionLost: The connection broke during the upload. The message says whether the job may exist.
            Unreachable: The server did not respond. No job was created.
            UnexpectedResponse: The response is not a job.

        Example:
            ```python
            upload = gather("photos")
            print("Skipped:", [file.name for file in upload.skipped])
            job = client.send(upload)
            ```
        """
        params = chosen(model=model, top_k=top_k, explain=explain, name=name)
        response = self._transport.post("/v1/jobs", body_of(upload.files), params=params, progress=progress)
        return parse(Job, response.content, source=str(response.url))

    def predict(
        self,
        path: AnyPath,
        *,
        model: str | None = None,
        top_k: int | None = None,
        explain: Explain | None = None,
    ) -> Prediction:
        """Classify one image and wait for the prediction.

        Args:
            path: The image file.
            model: `"name"`, `"name/version"` or `"name/version/precision"`; None for the server's default.
            top_k: Number of classes to list, from 1 to 100; None for the server's default, 3.
            explain: `"cam"` or `"full"`, as for `submit`; None for the server's default.

        Returns:
            The prediction, with the id of the job that holds the image for about an hour.

        Raises:
            InvalidUpload: The path is missing or unreadable, or is not one image file.
            Problem: The server refuses the image: it is not an image (status 415, `not_an_image`) or too large
                (status 413, `image_too_large`); or the model is unknown (`unknown_model`).
            NotAuthenticated: The key is not valid.
            ConnectionLost: The connection broke during the upload.
            Unreachable: The server did not respond.
            UnexpectedResponse: The response is not a prediction.

        Example:
            ```python
            prediction = client.predict("photo.jpg")
            print(prediction.label, f"{prediction.confidence:.1%}")
            ```
        """
        files = gather(path).files
        if len(files) != 1 or files[0].is_zip:
            found = "a ZIP file" if len(files) == 1 else f"a folder with {len(files):,} files"
            raise InvalidUpload(
                f"{os.fspath(path)} is {found}, and predict takes one image. Submit it as a job: batchlight submit"
                f" {shlex.quote(os.fspath(path))} --wait"
            )
        params = chosen(model=model, top_k=top_k, explain=explain)
        response = self._transport.post("/predict", multipart_body(files), params=params)
        if response.status_code == HTTPStatus.ACCEPTED:
            return self._deferred_prediction(response.headers.get("location", ""))
        return parse(Prediction, response.content, source=str(response.url))

    def _deferred_prediction(self, location: str) -> Prediction:
        """The prediction that a busy server deferred to a job: wait for the job, then read its only item."""
        job_id = location.rstrip("/").rpartition("/")[2]
        self.wait(job_id)
        item = self.item(job_id, 0)
        if item.label is None or item.confidence is None:
            raise _as_problem(item)
        return Prediction(
            label=item.label,
            confidence=item.confidence,
            top_k=item.top_k or (),
            cam=item.cam,
            faithfulness=item.faithfulness,
            model=item.model,
            job_id=job_id,
            links=item.links,
        )


def _as_problem(item: Item) -> Problem:
    """The problem that /predict raises for the same failed image when it is not deferred."""
    code = item.error.code if item.error else "no_prediction"
    detail = item.error.message if item.error else None
    return Problem(status=HTTPStatus.UNSUPPORTED_MEDIA_TYPE, code=code, title="Not classified", detail=detail)
