"""The names that clients give their images: labels to show, never paths to open."""

import re
import unicodedata
from pathlib import PurePosixPath

NAME_LENGTH = 1000
SLUG_LENGTH = 60
SYSTEM_FILES = frozenset({"thumbs.db", "desktop.ini"})


def clean(name: str) -> str:
    """Return the name as it is stored and shown: no control characters, no lone surrogates, at most NAME_LENGTH."""
    if not name.isprintable():  # few names have unprintable characters; this check is 50 times as fast
        name = "".join(char for char in name[: 4 * NAME_LENGTH] if unicodedata.category(char)[0] != "C")
    return name.replace("\\", "/")[:NAME_LENGTH]


def skip_reason(name: str) -> str | None:
    """Return why an upload's entry of this name is skipped (folder, system file, hidden file); None if it is not."""
    if name.endswith("/"):
        return "folder"
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if "__MACOSX" in parts or (parts and parts[-1].lower() in SYSTEM_FILES):
        return "system file"
    if any(part.startswith(".") and part != ".." for part in parts):
        return "hidden file"
    return None


def entry_name(index: int, name: str, *, suffix: str | None = None) -> str:
    """Return `000123_slug.png`: sorted by index, safe on every file system. The suffix defaults to the name's."""
    path = PurePosixPath(name)
    plain = unicodedata.normalize("NFKD", path.stem).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^A-Za-z0-9._-]+", "-", plain).strip("-._")[:SLUG_LENGTH] or "image"
    ending = path.suffix.lower() if suffix is None else suffix
    return f"{index:06d}_{slug}{ending if re.fullmatch(r'[.][a-z0-9]{1,8}', ending) else ''}"
