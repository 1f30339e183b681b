"""Which files an upload contains, and under which names they are sent."""

import os
import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from batchlight.errors import InvalidUpload
from batchlight.records import Skipped

AnyPath = str | os.PathLike[str]

MAX_IMAGES = 50_000
SYSTEM_FILES = frozenset({"__macosx", "thumbs.db", "desktop.ini"})


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file to send.

    Attributes:
        path: Where the file is on this machine.
        name: The name it is sent under: relative, with forward slashes.
        bytes: Its size in bytes when it was found.

    Example:
        ```python
        file = SourceFile(path=Path("/photos/1.jpg"), name="1.jpg", bytes=2048)
        ```
    """

    path: Path
    name: str
    bytes: int

    @property
    def is_zip(self) -> bool:
        """True if the server unpacks the file as a ZIP."""
        return self.name.lower().endswith(".zip")


@dataclass(frozen=True, slots=True)
class Upload:
    """The files of one job, in order, and the files that were left out.

    Attributes:
        files: The files to send.
        skipped: Hidden and system files, with the reason for each.

    Example:
        ```python
        upload = gather("photos")
        print(len(upload.files), "files,", upload.bytes, "bytes")
        job = client.send(upload)
        ```
    """

    files: tuple[SourceFile, ...]
    skipped: tuple[Skipped, ...]

    @property
    def bytes(self) -> int:
        """Total size of the files in bytes."""
        return sum(file.bytes for file in self.files)


@dataclass(frozen=True, slots=True)
class _Entry:
    path: Path
    reason_to_skip: str | None = None


def gather(paths: AnyPath | Iterable[AnyPath]) -> Upload:
    """Find the files to send below the paths. Folders are searched recursively, sorted by name.

    Names are relative to the deepest folder that contains all the paths; for one folder, that folder. Dotfiles and
    system files (`Thumbs.db`, `__MACOSX`) inside folders are skipped, links to folders inside folders are not
    followed, and no file is included twice.

    Args:
        paths: Files, folders and ZIP files; one path or several.

    Returns:
        The files in the order of the job's items, and the files that were skipped.

    Raises:
        InvalidUpload: A path is missing or unreadable, or there are no files, or more than 50,000 images.

    Example:
        ```python
        upload = gather(["photos", "more.zip"])
        print([file.name for file in upload.files])
        ```
    """
    roots = [Path(os.path.abspath(path)) for path in _as_list(paths)]  # noqa: PTH100 – links keep their names
    if not roots:
        raise InvalidUpload("No path was given. Name at least one image, folder or ZIP file.")
    for path in roots:
        _require_readable(path)
    common = _common_folder(roots)
    entries = list({entry.path: entry for path in roots for entry in _walk(path)}.values())
    upload = Upload(
        files=tuple(_source_file(entry.path, common) for entry in entries if entry.reason_to_skip is None),
        skipped=tuple(
            Skipped(name=_name(entry.path, common), reason=entry.reason_to_skip)
            for entry in entries
            if entry.reason_to_skip
        ),
    )
    _require_sendable(upload, roots)
    return upload


def _as_list(paths: AnyPath | Iterable[AnyPath]) -> list[AnyPath]:
    return [paths] if isinstance(paths, str | os.PathLike) else list(paths)


def _require_readable(path: Path) -> None:
    if not path.exists():
        raise InvalidUpload(f"{path} does not exist. Check its spelling.")
    if not os.access(path, os.R_OK):
        raise _permission_denied(path)


def _permission_denied(path: Path) -> InvalidUpload:
    mode = "u+rx" if path.is_dir() else "u+r"
    return InvalidUpload(f"{path} cannot be read: permission denied. Allow it: chmod {mode} {shlex.quote(str(path))}")


def _common_folder(roots: Sequence[Path]) -> Path:
    folders = [path if path.is_dir() else path.parent for path in roots]
    try:
        return Path(os.path.commonpath(folders))
    except ValueError:
        raise InvalidUpload("The paths are on different drives. Submit the files of each drive as a job.") from None


def _walk(path: Path) -> Iterator[_Entry]:
    """Everything at or below the path, by name. A skipped folder stands for everything inside it."""
    if not path.is_dir():
        yield _Entry(path, None if path.is_file() else "not a regular file")
        return
    for entry in _sorted_entries(path):
        reason = _reason_to_skip(entry)
        if reason is None and entry.is_dir():
            yield from _walk(path / entry.name)
        else:
            yield _Entry(path / entry.name, reason)


def _sorted_entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except PermissionError:
        raise _permission_denied(folder) from None


def _reason_to_skip(entry: os.DirEntry[str]) -> str | None:
    if entry.name.startswith("."):
        return "hidden"
    if entry.name.lower() in SYSTEM_FILES:
        return "system file"
    if entry.is_dir():
        return "link to a folder" if entry.is_symlink() else None
    return None if entry.is_file() else "not a regular file"


def _source_file(path: Path, common: Path) -> SourceFile:
    _require_readable(path)
    return SourceFile(path, _name(path, common), path.stat().st_size)


def _name(path: Path, common: Path) -> str:
    return path.relative_to(common).as_posix()


def _require_sendable(upload: Upload, roots: Sequence[Path]) -> None:
    if not upload.files:
        places = ", ".join(map(str, roots))
        left_out = f" ({len(upload.skipped)} hidden or system files were skipped)" if upload.skipped else ""
        raise InvalidUpload(f"There are no files to send in {places}{left_out}. Name a folder with images.")
    images = sum(not file.is_zip for file in upload.files)
    if images > MAX_IMAGES:
        raise InvalidUpload(
            f"The paths contain {images:,} files; one job takes up to {MAX_IMAGES:,} images. Submit them as several"
            " jobs, for example one per folder."
        )
