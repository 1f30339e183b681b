"""The hooks of `mkdocs.yml`.

- A nav entry that ends in `*.md` becomes the list of the documents it matches.
- `<!-- generated: NAME -->` in a document becomes the reference that `REFERENCES[NAME]` makes from the code.
- A link from a document to a file outside `docs/` becomes a link to a copy of that file in the site.
"""

import posixpath
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "client")]

from docs.hooks.api_reference import api_reference  # noqa: E402  # needs the path above
from docs.hooks.command_reference import command_reference  # noqa: E402
from docs.hooks.error_reference import error_reference  # noqa: E402
from docs.hooks.settings_reference import settings_reference  # noqa: E402

REFERENCES = {
    "api": api_reference,
    "command": command_reference,
    "errors": error_reference,
    "settings": settings_reference,
}
MARKER = re.compile(r"<!-- generated: (\w+) -->")
LINK = re.compile(r"(?P<image>!?)\[(?P<text>[^]]*)\]\((?P<target>(?:\.\./)+[^)#\s]+)(?P<anchor>#[^)\s]*)?\)")
COPIES = "repository"


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Replaces nav entries such as `decisions/*.md` by the documents they match, in the order of their names."""
    if config.nav is not None:
        config.nav = [_expanded(entry, Path(config.docs_dir)) for entry in config.nav]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds a copy of every file of the repository that a document links to."""
    linked = {path for document in files.documentation_pages() for path in _repository_files(document)}
    for path in sorted(linked):
        files.append(File.generated(config, _copy_of(path), abs_src_path=str(ROOT / path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Fills in the generated references and turns links into the repository into links to the copies."""
    text = MARKER.sub(lambda match: _reference(match[1], page), markdown)
    return LINK.sub(lambda match: _relinked(match, page.file), text)


def _expanded(entry: object, folder: Path) -> object:
    if isinstance(entry, dict):
        return {title: _expanded(part, folder) for title, part in entry.items()}
    if isinstance(entry, list):
        return [_expanded(part, folder) for part in entry]
    if isinstance(entry, str) and entry.endswith("*.md"):
        return sorted(path.relative_to(folder).as_posix() for path in folder.glob(entry))
    return entry


def _reference(name: str, page: Page) -> str:
    if name not in REFERENCES:
        raise PluginError(f"{page.file.src_uri}: no reference is called {name!r}. There are: {', '.join(REFERENCES)}.")
    return REFERENCES[name]()


def _repository_files(document: File) -> Iterator[str]:
    for match in LINK.finditer(document.content_string):
        path = _outside(match["target"], document)
        if path is not None and (ROOT / path).is_file():
            yield path


def _outside(target: str, document: File) -> str | None:
    """The path in the repository that a link leads to; None if it stays in `docs/`."""
    path = posixpath.normpath(posixpath.join("docs", posixpath.dirname(document.src_uri), target))
    return None if path.startswith("docs/") else path


def _copy_of(path: str) -> str:
    """Where the copy lies in the site. A Markdown file is shown as text: its own links lead to files without a copy."""
    return f"{COPIES}/{path}.txt" if path.endswith(".md") else f"{COPIES}/{path}"


def _relinked(match: re.Match[str], document: File) -> str:
    path = _outside(match["target"], document)
    if path is None or not (ROOT / path).exists():
        return match[0]  # a link that leads nowhere stays, and the strict build refuses it
    if (ROOT / path).is_dir():
        return match["text"]
    copy = posixpath.relpath(_copy_of(path), posixpath.dirname(document.src_uri) or ".")
    return f"{match['image']}[{match['text']}]({copy})"
