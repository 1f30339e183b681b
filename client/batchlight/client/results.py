"""Methods for results: items, images, overlays, the archive; and the models that make them."""

from collections.abc import Iterator
from pathlib import Path

from batchlight.client.connection import Connection, chosen, job_path, page_params
from batchlight.download import download
from batchlight.files import AnyPath
from batchlight.http.sending import Progress
from batchlight.records import Item, ItemState, ItemStateName, Model, Page

OVERLAY_RETRY_FOR_S = 30.0
"""A worker draws an overlay when it is first requested. Until a worker is free, the server responds with 503."""


class ResultMethods(Connection):
    """Methods for what became of a job's images."""

    def items(self, job_id: str, *, state: ItemState | ItemStateName | None = None) -> Iterator[Item]:
        """The items of a job that exist so far, by index.

        Args:
            job_id: Identifier of the job.
            state: `"succeeded"` or `"failed"`; None for both.

        Returns:
            An iterator that requests further pages while it is consumed. Wait for the job to see every item.

        Raises:
            Problem: There is no such job (`job_not_found`), or its results are deleted (`gone`).
            NotAuthenticated: The key is not valid.
            Unreachable: The server did not respond within 2 seconds of retries.
            UnexpectedResponse: The response is not a list of items.

        Example:
            ```python
            for item in client.items(job.id, state="failed"):
                print(item.name, item.error.message if item.error else "")
            ```
        """
        return self._pages(Page[Item], f"{job_path(job_id)}/items", chosen(state=state))

    def items_page(
        self,
        job_id: str,
        *,
        limit: int,
        after: str | None = None,
        state: ItemState | ItemStateName | None = None,
    ) -> Page[Item]:
        """One page of the items of a job, by index.

        Args:
            job_id: Identifier of the job.
            limit: Largest number of items in the page.
            after: `next` of the previous page of the same `state`; None for the first page.
            state: `"succeeded"` or `"failed"`; None for both.

        Returns:
            The items, and the cursor of the next page.

        Raises:
            Problem: There is no such job (`job_not_found`), its results are deleted (`gone`) or the cursor is not one
                of the server's (`bad_cursor`).
            NotAuthenticated: The key is not valid.
            Unreachable: The server did not respond within 2 seconds of retries.
            UnexpectedResponse: The response is not a list of items.

        Example:
            ```python
            page = client.items_page(job.id, limit=50)
            ```
        """
        params = page_params(limit=limit, after=after, more=chosen(state=state))
        return self._get(Page[Item], f"{job_path(job_id)}/items", params)

    def item(self, job_id: str, index: int) -> Item:
        """The outcome of one image.

        Args:
            job_id: Identifier of the job.
            index: Position of the image in its job, from 0.

        Returns:
            The item: a prediction, or an error.

        Raises:
            Problem: There is no such job (`job_not_found`) or image (`item_not_found`), its image is not done yet
                (`item_pending`) or was cancelled (`item_cancelled`), or the results are deleted (`gone`).
            NotAuthenticated: The key is not valid.
            Unreachable: The server did not respond within 2 seconds of retries.
            UnexpectedResponse: The response is not an item.

        Example:
            ```python
            print(client.item(job.id, 0).label)
            ```
        """
        return self._get(Item, f"{job_path(job_id)}/items/{index}")

    def image(self, job_id: str, index: int) -> bytes:
        """The bytes of an image as they were sent.

        Args:
            job_id: Identifier of the job.
            index: Position of the image in its job, from 0.

        Returns:
            The file's content.

        Raises:
            Problem: There is no such image, or the server did not keep it (`image_not_kept`).
            NotAuthenticated: The key is not valid.
            Unreachable: The server did not respond within 2 seconds of retries.

        Example:
            ```python
            Path("first.jpg").write_bytes(client.image(job.id, 0))
            ```
        """
        return self._transport.get(f"{job_path(job_id)}/items/{index}/image").content

    def overlay(self, job_id: str, index: int) -> bytes:
        """An image with its Grad-CAM drawn over it.

        Args:
            job_id: Identifier of the job.
            index: Position of the image in its job, from 0.

        Returns:
            A PNG.

        Raises:
            Problem: The image failed (`no_overlay`), or no worker drew it within 30 seconds (`overlay_pending`).
            NotAuthenticated: The key is not valid.
            Unreachable: The server did not respond within 30 seconds of retries.

        Example:
            ```python
            Path("overlay.png").write_bytes(client.overlay(job.id, 0))
            ```
        """
        path = f"{job_path(job_id)}/items/{index}/overlay.png"
        return self._transport.get(path, retry_for_s=OVERLAY_RETRY_FOR_S).content

    def download(self, job_id: str, to: AnyPath, *, progress: Progress | None = None) -> Path:
        """Download the archive of an ended job: originals, overlays, `results.csv` and `results.jsonl` in a ZIP.

        Waits while the server builds the archive, and continues a download that was cut off, also in an earlier
        program.

        Args:
            job_id: Identifier of the job.
            to: File to write, or a folder, in which the file is `batchlight-JOB.zip`. An existing file is replaced.
            progress: Called with the bytes received so far and the bytes in total.

        Returns:
            Path of the file. It appears when it is complete.

        Raises:
            InvalidDestination: The folder of `to` is missing or not writable. Nothing was requested.
            Problem: There is no such job (`job_not_found`), it has not ended (`job_not_finished`), or its results are
                deleted (`gone`).
            ConnectionLost: The download was cut off. Download again to continue.
            NotAuthenticated: The key is not valid.
            Unreachable: The server did not respond within 30 seconds of retries.
            UnexpectedResponse: The response does not state the archive's length.
            OSError: The file cannot be written, for example because the disk is full.

        Example:
            ```python
            file = client.download(job.id, "results.zip")
            ```
        """
        destination = Path(to, f"batchlight-{job_id}.zip") if Path(to).is_dir() else Path(to)
        return download(self._transport, f"{job_path(job_id)}/archive", destination, progress=progress)

    def models(self) -> list[Model]:
        """The model versions that the server can run.

        Returns:
            One record for each version of each model.

        Raises:
            NotAuthenticated: The key is not valid.
            Unreachable: The server did not respond within 2 seconds of retries.
            UnexpectedResponse: The response is not a list of models.

        Example:
            ```python
            print([f"{model.name}/{model.version}" for model in client.models()])
            ```
        """
        return list(self._get(Page[Model], "/v1/models").data)
