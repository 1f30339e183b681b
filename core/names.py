"""What becomes of the names clients give their images: labels to show, never paths to use."""

import re
import unicodedata
from pathlib import PurePosixPath

NAME_LENGTH = 1000
SLUG_LENGTH = 60
SYSTEM_FILES = frozenset({"thumbs.db", "desktop.ini"})


def clean(name: str) -> str:
    """The name as it can be stored and shown: no control characters, no lone surrogates, bounded."""
    if not name.isprintable():  # which all names are but a few, and is told 50 times as fast as their characters' kinds
        name = "".join(char for char in name[: 4 * NAME_LENGTH] if unicodedata.category(char)[0] != "C")
    return name.replace("\\", "/")[:NAME_LENGTH]


def skip_reason(name: str) -> str | None:
    """Why an entry of this name is passed over as no image of the user's; None for all others."""
    if name.endswith("/"):
        return "folder"
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if "__MACOSX" in parts or (parts and parts[-1].lower() in SYSTEM_FILES):
        return "system file"
    if any(part.startswith(".") and part != ".." for part in parts):
        return "hidden file"
    return None


def entry_name(index: int, name: str, *, suffix: str | None = None) -> str:
    """`000123_slug.png`: sorts by index, safe on every file system; the suffix is the name's own unless given."""
    path = PurePosixPath(name)
    plain = unicodedata.normalize("NFKD", path.stem).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^A-Za-z0-9._-]+", "-", plain).strip("-._")[:SLUG_LENGTH] or "image"
    ending = path.suffix.lower() if suffix is None else suffix
    return f"{index:06d}_{slug}{ending if re.fullmatch(r'[.][a-z0-9]{1,8}', ending) else ''}"
