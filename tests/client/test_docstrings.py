"""Every public name of the client documents itself."""

import inspect
import pydoc
import re
import textwrap
from collections.abc import Callable
from enum import Enum
from typing import Any

import pytest

import batchlight
from batchlight import Client
from core.settings import ROOT

PUBLIC = [getattr(batchlight, name) for name in batchlight.__all__]
CLASSES: list[type] = [each for each in PUBLIC if isinstance(each, type)]
METHODS = [each for name, each in inspect.getmembers(Client, inspect.isfunction) if not name.startswith("_")]
ENUMERATIONS = [each for each in CLASSES if issubclass(each, Enum)]
PLAIN_ERRORS = [each for each in CLASSES if issubclass(each, Exception) and "__annotations__" not in vars(each)]
RECORDS = [each for each in CLASSES if each not in ENUMERATIONS and each not in PLAIN_ERRORS]


def section(documented: object, name: str) -> str:
    """The text of one section of a Google-style docstring; empty if there is none."""
    found = re.search(rf"^{name}:\n((?:(?: .*)?\n?)*)", inspect.getdoc(documented) or "", re.MULTILINE)
    return found[1] if found else ""


@pytest.mark.parametrize("method", [*METHODS, batchlight.gather], ids=lambda method: method.__name__)
def test_a_method_documents_arguments_result_errors_and_an_example(method: Callable[..., Any]) -> None:
    signature = inspect.signature(method)
    arguments = [name for name in signature.parameters if name != "self"]

    assert [name for name in arguments if f"    {name}: " not in section(method, "Args")] == []
    assert section(method, "Returns") or signature.return_annotation is None
    assert section(method, "Raises") or method is Client.close
    assert "```python" in section(method, "Example")


@pytest.mark.parametrize("record", RECORDS)
def test_a_record_documents_its_fields_and_an_example(record: type) -> None:
    fields = [name for name in getattr(record, "__annotations__", {}) if not name.startswith("_")]

    assert "```python" in section(record, "Example")
    if record is not batchlight.Counts:
        assert [name for name in fields if f"    {name}: " not in section(record, "Attributes")] == []


@pytest.mark.parametrize("documented", CLASSES)
def test_a_public_class_has_a_docstring_of_its_own(documented: type) -> None:
    assert documented.__doc__


def test_every_member_of_an_enumeration_is_explained() -> None:
    for enumeration in ENUMERATIONS:
        assert [member.value for member in enumeration if f"`{member.value}`" not in str(enumeration.__doc__)] == []


def test_help_of_submit_names_its_exceptions() -> None:
    text = pydoc.plain(pydoc.render_doc(Client.submit))

    assert all(f"{name}: " in text for name in ("InvalidUpload", "Problem", "ConnectionLost", "Unreachable"))


def test_every_example_is_valid_python() -> None:
    documented = [inspect.getdoc(each) or "" for each in (*METHODS, *CLASSES, batchlight.gather)]
    examples = [code for text in documented for code in re.findall(r"```python\n(.*?)```", text, re.DOTALL)]

    assert len(examples) >= len(METHODS)
    for code in examples:
        compile(textwrap.dedent(code), "example", "exec")


def test_the_reference_lists_every_public_name() -> None:
    reference = (ROOT / "docs" / "reference" / "client.md").read_text()

    assert sorted(re.findall(r"^::: batchlight\.(\w+)$", reference, re.MULTILINE)) == sorted(batchlight.__all__)
