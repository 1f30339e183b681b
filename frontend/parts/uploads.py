"""From files dropped on the page to what the client sends."""

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
def on_disk(files: Sequence[UploadedFile]) -> Iterator[Upload]:
    """The files as the client reads them, in a folder that goes with the block. Their names never become paths."""
    with tempfile.TemporaryDirectory(prefix="batchlight-upload-") as folder:
        yield Upload(tuple(_written(file, Path(folder, f"{number:06d}")) for number, file in enumerate(files)), ())


def _written(file: UploadedFile, path: Path) -> SourceFile:
    with path.open("wb") as out:
        file.seek(0)
        shutil.copyfileobj(file, out)
    return SourceFile(path, file.name, file.size)
