"""Which files a person means by the paths they name, and under which names they are sent."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from batchlight.errors import InvalidUpload
from batchlight.records import Skipped

AnyPath = str | os.PathLike[str]

MAX_IMAGES = 50_000
CLUTTER = frozenset({"__macosx", "thumbs.db", "desktop.ini"})


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file to send. `name` is relative, with forward slashes; `bytes` is its size when it was found."""

    path: Path
    name: str
    bytes: int

    @property
    def is_zip(self) -> bool:
        return self.name.lower().endswith(".zip")


@dataclass(frozen=True, slots=True)
class Upload:
    """Files to send as one job, in order, and what was left out of it."""

    files: tuple[SourceFile, ...]
    skipped: tuple[Skipped, ...]

    @property
    def bytes(self) -> int:
        return sum(file.bytes for file in self.files)


@dataclass(frozen=True, slots=True)
class _Found:
    path: Path
    reason_to_skip: str | None = None


def gather(paths: AnyPath | Iterable[AnyPath]) -> Upload:
    """Find the files below these paths: files as they are, folders with all that is in them, sorted by name.

    Names are relative to the folder that all the paths share: for one folder, that folder. Dotfiles and
    clutter inside folders (`Thumbs.db`, `__MACOSX`) are skipped, links to folders are not followed, and no
    file is sent twice. Raises InvalidUpload if a path is missing or unreadable, or if there are no images or
    too many.
    """
    named = [Path(os.path.abspath(path)) for path in _as_list(paths)]  # noqa: PTH100 – links keep their names
    if not named:
        raise InvalidUpload("No path was given: name images, folders or ZIP files.")
    for path in named:
        _require_readable(path)
    root = _common_folder(named)
    found = list({each.path: each for path in named for each in _walk(path)}.values())
    upload = Upload(
        files=tuple(_source(each.path, root) for each in found if each.reason_to_skip is None),
        skipped=tuple(
            Skipped(name=_name(each.path, root), reason=each.reason_to_skip) for each in found if each.reason_to_skip
        ),
    )
    _require_sendable(upload)
    return upload


def _as_list(
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
) -> list[str | os.PathLike[str]]:
    return [paths] if isinstance(paths, str | os.PathLike) else list(paths)


def _require_readable(path: Path) -> None:
    if not path.exists():
        raise InvalidUpload(f"{path} does not exist.")
    if not os.access(path, os.R_OK):
        raise InvalidUpload(f"{path} cannot be read: permission denied.")


def _common_folder(named: Sequence[Path]) -> Path:
    folders = [path if path.is_dir() else path.parent for path in named]
    try:
        return Path(os.path.commonpath(folders))
    except ValueError:
        raise InvalidUpload("These paths are on different drives: submit them one by one.") from None


def _walk(path: Path) -> Iterator[_Found]:
    """Everything at or below the path, by name; a folder that is skipped stands for all that is in it."""
    if not path.is_dir():
        yield _Found(path, None if path.is_file() else "not a regular file")
        return
    for entry in _sorted_entries(path):
        reason = _reason_to_skip(entry)
        if reason is None and entry.is_dir():
            yield from _walk(path / entry.name)
        else:
            yield _Found(path / entry.name, reason)


def _sorted_entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except PermissionError:
        raise InvalidUpload(f"{folder} cannot be read: permission denied.") from None


def _reason_to_skip(entry: os.DirEntry[str]) -> str | None:
    if entry.name.startswith("."):
        return "hidden"
    if entry.name.lower() in CLUTTER:
        return "system file"
    if entry.is_dir():
        return "link to a folder" if entry.is_symlink() else None
    return None if entry.is_file() else "not a regular file"


def _source(path: Path, root: Path) -> SourceFile:
    _require_readable(path)
    return SourceFile(path, _name(path, root), path.stat().st_size)


def _name(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()


def _require_sendable(upload: Upload) -> None:
    if not upload.files:
        left_out = f" ({len(upload.skipped)} hidden or system files were skipped)" if upload.skipped else ""
        raise InvalidUpload(f"There are no files to send here{left_out}.")
    images = sum(not file.is_zip for file in upload.files)
    if images > MAX_IMAGES:
        raise InvalidUpload(
            f"These are {images:,} files; one job takes up to {MAX_IMAGES:,} images. Submit them in parts, "
            "for example folder by folder."
        )
