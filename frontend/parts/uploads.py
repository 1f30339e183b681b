"""Uploads: from the files of Streamlit's uploader to what the client library sends."""

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from streamlit.typing import UploadedFile

from batchlight import SourceFile, Upload


def is_zip(name: str) -> bool:
    return name.lower().endswith(".zip")


@contextmanager
def saved_upload(files: Sequence[UploadedFile]) -> Iterator[Upload]:
    """Save the files in a temporary folder while the block runs. Their names never become paths."""
    with tempfile.TemporaryDirectory(prefix="batchlight-upload-") as folder:
        yield Upload(tuple(_saved(file, Path(folder, f"{number:06d}")) for number, file in enumerate(files)), ())


def _saved(file: UploadedFile, path: Path) -> SourceFile:
    with path.open("wb") as out:
        file.seek(0)
        shutil.copyfileobj(file, out)
    return SourceFile(path, file.name, file.size)
