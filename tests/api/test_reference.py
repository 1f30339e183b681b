"""The API reference describes every field, parameter and response, and lists every error that the code can raise."""

import ast
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from api.app import create_app
from api.problems import STATUS
from api.reference.codes import CODES, ITEM_ERRORS
from api.reference.responses import ANY_CALL, AUTHENTICATED
from core import errors
from core.errors import BatchlightError
from core.objects.shard_format import UnreadableShard
from core.settings import ROOT, Settings
from core.states import ItemErrorCode
from tests.api.conftest import SmallApi

PROBLEM_JSON = "application/problem+json"
ERRORS = {name: kind for name, kind in vars(errors).items() if isinstance(kind, type)} | {
    "UnreadableShard": UnreadableShard
}
BY_HANDLERS = {
    "disconnected", "not_found", "method_not_allowed", "invalid_request", "internal_error", "database_unavailable",
    "disk_full",
}  # fmt: skip
"""Codes of errors that are not in the tree of core.errors: api.problems makes them from others' exceptions."""


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("reference")
    settings = Settings(
        database_url=f"sqlite:///{folder}/none.db", redis_url=SecretStr("redis://none"), storage_dir=folder
    )
    return create_app(settings).openapi()


def operations(spec: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in spec["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def operation_of(spec: Mapping[str, Any], name: str) -> dict[str, Any]:
    return dict(operations(spec))[name]


def test_every_schema_and_every_field_has_a_description(spec: dict[str, Any]) -> None:
    schemas = spec["components"]["schemas"]

    silent = [name for name, schema in schemas.items() if not schema.get("description")]
    silent += [
        f"{name}.{field}"
        for name, schema in schemas.items()
        for field, value in schema.get("properties", {}).items()
        if not value.get("description")
    ]

    assert len(schemas) > 20
    assert not silent


def test_every_operation_and_parameter_has_a_description(spec: dict[str, Any]) -> None:
    silent = [
        f"{name} {what}"
        for name, operation in operations(spec)
        for what, text in [
            *((part, operation.get(part)) for part in ("summary", "description")),
            *((parameter["name"], parameter.get("description")) for parameter in operation.get("parameters", [])),
        ]
        if not text
    ]

    assert not silent


def test_every_response_and_its_headers_have_a_description(spec: dict[str, Any]) -> None:
    silent = [
        f"{name} {status}"
        for name, operation in operations(spec)
        for status, response in operation["responses"].items()
        for described in (response, *response.get("headers", {}).values())
        if described.get("description", "Successful Response") == "Successful Response"
    ]

    assert not silent


def test_operations_are_named_as_the_client_would_call_them(spec: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, operation in operations(spec)]

    assert len(set(names)) == len(names)
    assert {"predict", "submit_job", "get_job", "list_items", "get_archive"} <= set(names)
    assert not [name for name in names if "v1" in name]


def test_every_operation_lists_its_errors_with_their_codes(spec: dict[str, Any]) -> None:
    for name, operation in operations(spec):
        expected = ANY_CALL if name in {"GET /healthz", "GET /readyz"} else {**AUTHENTICATED, **ANY_CALL}
        for status in expected.keys() - ({503} if name == "GET /readyz" else set()):
            content = operation["responses"][str(status)]["content"][PROBLEM_JSON]
            assert set(expected[status]) <= content["examples"].keys(), (name, status)
        assert operation["responses"]["default"]["content"].keys() == {PROBLEM_JSON}
        assert "HTTPValidationError" not in str(operation)
        if "{job_id}" in name:
            assert "job_not_found" in operation["responses"]["404"]["description"], name


def test_every_documented_code_belongs_to_an_operation(spec: dict[str, Any]) -> None:
    listed = {
        (int(status), code)
        for _, operation in operations(spec)
        for status, response in operation["responses"].items()
        if status.isdecimal()
        for code in response.get("content", {}).get(PROBLEM_JSON, {}).get("examples", {})
    }

    assert {(status, code) for status, codes in CODES.items() for code in codes} - listed == {
        (404, "not_found"), (405, "method_not_allowed"),
    }  # fmt: skip


def raised_codes() -> set[tuple[int, str]]:
    """Status and code of every error of the tree that `api` or what it calls of `core` raises by a literal code."""
    raised = set()
    for path in sorted([*(ROOT / "api").rglob("*.py"), *(ROOT / "core").rglob("*.py")]):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ERRORS:
                kind = ERRORS[node.func.id]
                if issubclass(kind, BatchlightError) and kind is not BatchlightError:
                    raised |= {(status_of(kind), code) for code in codes_of(node, kind)}
    return raised


def status_of(kind: type[BatchlightError]) -> int:
    return next(STATUS[parent] for parent in kind.__mro__ if parent in STATUS)


def codes_of(call: ast.Call, kind: type[BatchlightError]) -> set[str]:
    for keyword in call.keywords:
        if keyword.arg == "code":
            match keyword.value:
                case ast.Constant(str(code)):
                    return {code}
                case ast.Attribute(ast.Name("ItemErrorCode"), member):
                    return {ItemErrorCode[member]}
                case _:
                    return set()  # the code of an item, which ITEM_ERRORS lists
    return {kind.code}


def test_the_documented_codes_are_those_that_the_code_raises() -> None:
    of_items = {(415 if not code.is_server_fault else 500, code.value) for code in ItemErrorCode}
    documented = {(status, str(code)) for status, codes in CODES.items() for code in codes}

    raised = {(status, str(code)) for status, code in raised_codes()}

    assert len(raised) > 20
    assert raised - documented == set()
    assert {code for _, code in documented - raised - of_items} <= BY_HANDLERS <= {code for _, code in documented}


def test_every_code_of_an_item_has_a_meaning() -> None:
    assert ITEM_ERRORS.keys() == set(ItemErrorCode)


def test_the_files_of_an_upload_are_required(spec: dict[str, Any]) -> None:
    many, one = (operation_of(spec, name)["requestBody"] for name in ("POST /v1/jobs", "POST /predict"))

    assert many["required"]
    assert many["content"]["multipart/form-data"]["schema"]["required"] == ["files"]
    assert one["content"]["multipart/form-data"]["schema"]["required"] == ["file"]
    assert {"application/zip"} < many["content"].keys()


@pytest.mark.parametrize(
    ("path", "media_type"),
    [("archive", "application/zip"), ("items/{index}/image", "application/octet-stream"),
     ("items/{index}/overlay.png", "image/png")],
)  # fmt: skip
def test_downloads_have_their_media_types(spec: dict[str, Any], path: str, media_type: str) -> None:
    response = operation_of(spec, f"GET /v1/jobs/{{job_id}}/{path}")["responses"]["200"]

    assert response["content"].keys() == {media_type}
    assert response["content"][media_type]["schema"]["format"] == "binary"


def test_the_headers_of_polling_and_of_downloads_are_declared(spec: dict[str, Any]) -> None:
    job, archive = (operation_of(spec, f"GET /v1/jobs/{{job_id}}{end}") for end in ("", "/archive"))
    sent = {parameter["name"].lower() for parameter in archive["parameters"]}

    assert {"ETag", "Retry-After"} <= job["responses"]["200"]["headers"].keys()
    assert "if-none-match" in {parameter["name"] for parameter in job["parameters"]}
    assert {"if-none-match", "range", "if-range"} <= sent
    assert {"200", "202", "206", "304", "416"} <= archive["responses"].keys()
    assert "Retry-After" in archive["responses"]["202"]["headers"]


def test_a_model_describes_its_input(spec: dict[str, Any]) -> None:
    assert "color" in spec["components"]["schemas"]["ModelInput"]["properties"]


def test_a_wrong_method_is_told_the_right_ones_and_health_takes_head(small: SmallApi) -> None:
    wrong: httpx.Response = small.client.put("/v1/models")

    assert (wrong.status_code, wrong.headers["allow"]) == (405, "GET")
    assert small.client.head("/healthz").status_code == 200
