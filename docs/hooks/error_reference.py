"""The reference of the error codes, made from the places in `api/` and `core/` that raise them."""

import ast
from collections.abc import Iterator
from http import HTTPStatus
from typing import NamedTuple

import api.app  # noqa: F401  # every error class is known once the application is imported
from api.problems import STATUS
from core.errors import BatchlightError
from core.settings import ROOT
from docs.hooks.tables import table


class Refusal(NamedTuple):
    """One place that refuses a request."""

    status: int
    code: str
    message: str


def error_reference() -> str:
    """Every code of a problem response with its HTTP status and its messages."""
    messages: dict[tuple[int, str], list[str]] = {}
    for refusal in sorted(set(refusals())):
        messages.setdefault((refusal.status, refusal.code), []).append(refusal.message)
    rows = [
        [f"`{code}`", f"{status} {HTTPStatus(status).phrase}", "<br>".join(filter(None, texts))]
        for (status, code), texts in messages.items()
    ]
    return table(["Code", "Status", "Message"], rows)


def refusals() -> Iterator[Refusal]:
    """Every call in the sources that makes an error of ours, or a problem response with a status of its own."""
    classes = {kind.__name__: kind for kind in _kinds(BatchlightError)}
    for folder in ("api", "core"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            tree = ast.parse(path.read_text())
            yield from filter(None, (_refusal(call, classes) for call in ast.walk(tree) if isinstance(call, ast.Call)))


def _kinds(kind: type[BatchlightError]) -> Iterator[type[BatchlightError]]:
    for child in kind.__subclasses__():
        yield child
        yield from _kinds(child)


def _refusal(call: ast.Call, classes: dict[str, type[BatchlightError]]) -> Refusal | None:
    name = call.func.id if isinstance(call.func, ast.Name) else ""
    code = next((ast.unparse(word.value).strip("'") for word in call.keywords if word.arg == "code"), None)
    if kind := classes.get(name):
        status = next(STATUS[ancestor] for ancestor in kind.__mro__ if ancestor in STATUS)
        return Refusal(status, code or kind.code, _message(call.args[0]) if call.args else "")
    statuses = [
        word.attr for word in call.args if isinstance(word, ast.Attribute) and word.attr in HTTPStatus.__members__
    ]
    return Refusal(HTTPStatus[statuses[0]], code, "") if code and statuses else None


def _message(argument: ast.expr) -> str:
    """A message as written, `…` in the place of what differs from one time to the next."""
    if isinstance(argument, ast.Constant):
        return str(argument.value)
    if isinstance(argument, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in argument.values)
    return ""
