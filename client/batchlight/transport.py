"""HTTP to one server: GETs that outlive a lost connection, POSTs that are sent once."""

import ipaddress
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Literal

import httpx

from batchlight.answers import problem_of, refusal
from batchlight.bodies import Body
from batchlight.errors import BatchlightError, ConnectionLost, InvalidAddress, MissingKey, Unreachable
from batchlight.sending import EarlyAnswer, Progress

Params = Mapping[str, str | int]

PATIENCE_S = 2.0
PASSING = frozenset({502, 503, 504})
TIMEOUT = httpx.Timeout(30.0, connect=5.0)
UPLOAD_TIMEOUT = httpx.Timeout(connect=5.0, write=60.0, read=600.0, pool=5.0)


class Transport:
    """Requests with the key to one server; every refusal comes out as an error of `batchlight.errors`."""

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
        patience_s: float = PATIENCE_S,
    ) -> httpx.Response:
        """The whole answer. Lost connections and passing server trouble are retried for `patience_s`."""
        request = self._http.build_request("GET", path.lstrip("/"), params=params, headers=headers)
        return self._send_patiently(request, patience_s, stream=False)

    @contextmanager
    def stream(
        self,
        path: str,
        *,
        params: Params | None = None,
        headers: Mapping[str, str] | None = None,
        patience_s: float = PATIENCE_S,
    ) -> Iterator[httpx.Response]:
        """The answer with its body still to come; reading that may raise httpx.TransportError."""
        request = self._http.build_request("GET", path.lstrip("/"), params=params, headers=headers)
        answer = self._send_patiently(request, patience_s, stream=True)
        try:
            yield answer
        finally:
            answer.close()

    def act(self, method: Literal["POST", "DELETE"], path: str) -> httpx.Response:
        """A call without a body that changes something; sent once."""
        try:
            return _accepted(self._http.request(method, path.lstrip("/")))
        except httpx.TransportError as error:
            raise self._unreachable(error) from error

    def post(
        self, path: str, body: Body, *, params: Params | None = None, progress: Progress | None = None
    ) -> httpx.Response:
        """Send the body once, over a connection of its own, and give up early if the server refuses half-way.

        It is never sent again: whether the server has taken it cannot be known when the answer is lost.
        """
        early = EarlyAnswer(self._url)
        headers = {"Content-Type": body.content_type, "Content-Length": str(body.content_length)}
        with self._new_http(UPLOAD_TIMEOUT) as http:
            try:
                answer = http.post(
                    path.lstrip("/"),
                    params=params,
                    headers=headers,
                    content=early.watching(body, progress),
                    extensions={"trace": early.trace},
                )
            except httpx.TransportError as error:
                raise self._lost(error, sent=early.sent, body=body) from error
        return _accepted(answer)

    def _send_patiently(self, request: httpx.Request, patience_s: float, *, stream: bool) -> httpx.Response:
        give_up_at = time.monotonic() + patience_s
        pause_s = 0.1
        while True:
            failure: BatchlightError
            try:
                answer = self._http.send(request, stream=stream)
                if answer.status_code not in PASSING:
                    return _accepted(answer)
                answer.read()
                failure = problem_of(answer)
            except httpx.TransportError as error:
                failure = self._unreachable(error)
            if time.monotonic() + pause_s > give_up_at:
                raise failure
            time.sleep(pause_s)
            pause_s = min(pause_s * 2, 5.0)

    def _new_http(self, timeout: httpx.Timeout) -> httpx.Client:
        return httpx.Client(
            base_url=self._url,
            headers={"Authorization": f"Bearer {self._key}", "User-Agent": "batchlight-python"},
            timeout=timeout,
            trust_env=not (self._url.scheme == "http" and _is_loopback(self._url.host)),
        )

    def _unreachable(self, error: httpx.TransportError) -> Unreachable:
        return Unreachable(f"No answer from {self._url}: {_reason(error)}.")

    def _lost(self, error: httpx.TransportError, *, sent: int, body: Body) -> Unreachable:
        if sent == 0:
            return self._unreachable(error)
        if sent < body.content_length:
            return ConnectionLost(
                f"The connection to {self._url} was lost after {sent:,} of {body.content_length:,} bytes"
                f" ({_reason(error)}). The upload was incomplete, so no job was made; submit again."
            )
        return ConnectionLost(
            f"{self._url} took the whole upload, but its answer was lost ({_reason(error)}). It is not sent"
            " again by itself, since the job may exist: look at your newest jobs before you submit again."
        )


def _accepted(answer: httpx.Response) -> httpx.Response:
    """The answer, unless it is a refusal. 416 tells a download where it stands, so it is none."""
    if (
        not (answer.is_error or answer.has_redirect_location)
        or answer.status_code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
    ):
        return answer
    answer.read()
    answer.close()
    raise refusal(answer)


def _checked_url(text: str) -> httpx.URL:
    try:
        url = httpx.URL(text.strip())
    except httpx.InvalidURL:
        url = httpx.URL("")
    if url.scheme not in ("http", "https") or not url.host:
        raise InvalidAddress(f"{text!r} is not an address of a server: write it like http://127.0.0.1:8000.")
    return url


def _checked_key(text: str) -> str:
    key = text.strip()
    if not key:
        raise MissingKey("No API key was given.")
    if not key.isascii() or not key.isprintable() or " " in key:
        raise MissingKey("The API key has characters that no key has: copy it again, without quotes or line breaks.")
    return key


def _is_loopback(host: str) -> bool:
    """Loopback never goes through a proxy, whatever the environment says."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _reason(error: httpx.TransportError) -> str:
    if isinstance(error, httpx.TimeoutException):
        return "no reply in time"
    return re.sub(r"^\[Errno -?\d+\] ", "", str(error)).rstrip(".") or type(error).__name__
