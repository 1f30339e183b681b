"""HTTP to one server: GETs are retried when the connection is lost, POSTs are sent once."""

import ipaddress
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Literal

import httpx

from batchlight.errors import BatchlightError, ConnectionLost, InvalidAddress, MissingKey, Unreachable
from batchlight.http.bodies import Body
from batchlight.http.responses import error_of, problem_of
from batchlight.http.sending import EarlyResponse, Progress

Params = Mapping[str, str | int]

RETRY_FOR_S = 2.0
FIRST_RETRY_PAUSE_S = 0.1
MAX_RETRY_PAUSE_S = 5.0
TRANSIENT = frozenset({HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT})
TIMEOUT = httpx.Timeout(30.0, connect=5.0)
UPLOAD_TIMEOUT = httpx.Timeout(connect=5.0, write=60.0, read=600.0, pool=5.0)


class Transport:
    """Requests to one server with one key. Every refusal is raised as an error of `batchlight.errors`."""

    def __init__(self, base_url: str, key: str) -> None:
        self._url = _checked_url(base_url)
        self._key = _checked_key(key)
        self._http = self._new_http(TIMEOUT)

    def close(self) -> None:
        self._http.close()

    def get(
        self,
        path: str,
        *,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        retry_for_s: float = RETRY_FOR_S,
    ) -> httpx.Response:
        """The whole response. Lost connections and transient server errors are retried for `retry_for_s` seconds."""
        request = self._http.build_request("GET", path.lstrip("/"), params=params, headers=headers)
        return self._send_with_retries(request, retry_for_s=retry_for_s, stream=False)

    @contextmanager
    def stream(
        self,
        path: str,
        *,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        retry_for_s: float = RETRY_FOR_S,
    ) -> Iterator[httpx.Response]:
        """The response before its body is read. Reading the body may raise httpx.TransportError."""
        request = self._http.build_request("GET", path.lstrip("/"), params=params, headers=headers)
        response = self._send_with_retries(request, retry_for_s=retry_for_s, stream=True)
        try:
            yield response
        finally:
            response.close()

    def act(self, method: Literal["POST", "DELETE"], path: str) -> httpx.Response:
        """The response to a request without a body that changes something. It is sent once."""
        try:
            return _accepted(self._http.request(method, path.lstrip("/")))
        except httpx.TransportError as error:
            raise self._unreachable(error) from error

    def post(
        self, path: str, body: Body, *, params: Params | None = None, progress: Progress | None = None
    ) -> httpx.Response:
        """The response to a body that is sent once, over a connection of its own.

        Sending stops early if the server refuses the body. A lost response is not followed by another attempt,
        because the client cannot tell whether the server has accepted the body.
        """
        early = EarlyResponse(self._url)
        headers = {"Content-Type": body.content_type, "Content-Length": str(body.content_length)}
        with self._new_http(UPLOAD_TIMEOUT) as http:
            try:
                response = http.post(
                    path.lstrip("/"),
                    params=params,
                    headers=headers,
                    content=early.blocks_until_response(body, progress),
                    extensions={"trace": early.trace},
                )
            except httpx.TransportError as error:
                raise self._lost(error, sent_bytes=early.sent_bytes, body=body) from error
        return _accepted(response)

    def _send_with_retries(self, request: httpx.Request, *, retry_for_s: float, stream: bool) -> httpx.Response:
        deadline = time.monotonic() + retry_for_s
        pause_s = FIRST_RETRY_PAUSE_S
        while True:
            failure: BatchlightError
            try:
                response = self._http.send(request, stream=stream)
                if response.status_code not in TRANSIENT:
                    return _accepted(response)
                response.read()
                failure = problem_of(response)
            except httpx.TransportError as error:
                failure = self._unreachable(error)
            if time.monotonic() + pause_s > deadline:
                raise failure
            time.sleep(pause_s)
            pause_s = min(pause_s * 2, MAX_RETRY_PAUSE_S)

    def _new_http(self, timeout: httpx.Timeout) -> httpx.Client:
        return httpx.Client(
            base_url=self._url,
            headers={"Authorization": f"Bearer {self._key}", "User-Agent": "batchlight-python"},
            timeout=timeout,
            trust_env=not (self._url.scheme == "http" and _is_loopback(self._url.host)),
        )

    def _unreachable(self, error: httpx.TransportError) -> Unreachable:
        return Unreachable(f"No response from {self._url}: {_reason(error)}.")

    def _lost(self, error: httpx.TransportError, *, sent_bytes: int, body: Body) -> Unreachable:
        if sent_bytes == 0:
            return self._unreachable(error)
        if sent_bytes < body.content_length:
            return ConnectionLost(
                f"The connection to {self._url} was lost after {sent_bytes:,} of {body.content_length:,} bytes"
                f" ({_reason(error)}). The upload was incomplete, so no job was created. Submit again."
            )
        return ConnectionLost(
            f"{self._url} received the whole upload, but its response was lost ({_reason(error)}). The client does not"
            " send it again, because the job may exist. Look at your newest jobs before you submit again."
        )


def _accepted(response: httpx.Response) -> httpx.Response:
    """The response, unless it is a refusal. A download needs status 416 to learn the archive's length."""
    if response.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        return response
    if not (response.is_error or response.has_redirect_location):
        return response
    response.read()
    response.close()
    raise error_of(response)


def _checked_url(text: str) -> httpx.URL:
    try:
        url = httpx.URL(text.strip())
    except httpx.InvalidURL:
        url = httpx.URL("")
    if url.scheme not in ("http", "https") or not url.host:
        raise InvalidAddress(f"{text!r} is not the address of a server. Write it like http://127.0.0.1:8000.")
    return url


def _checked_key(text: str) -> str:
    key = text.strip()
    if not key:
        raise MissingKey("The API key is empty.")
    if not key.isascii() or not key.isprintable() or " " in key:
        raise MissingKey(
            "The API key contains a character that no key contains. Copy it again, without quotes or line breaks."
        )
    return key


def _is_loopback(host: str) -> bool:
    """True for this machine's own addresses, which are reached without a proxy whatever the environment says."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _reason(error: httpx.TransportError) -> str:
    """What went wrong, for a message; a timeout states its limit."""
    if isinstance(error, httpx.TimeoutException):
        phase = type(error).__name__.removesuffix("Timeout").lower()
        limit_s = error.request.extensions["timeout"].get(phase)
        return f"the {phase} timeout of {limit_s:g} s passed"
    return re.sub(r"^\[Errno -?\d+\] ", "", str(error)).rstrip(".") or type(error).__name__
