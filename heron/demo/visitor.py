"""A browser without a window: logs in through the form, reads pages, follows a job's events."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.client import HTTPException
from http.cookiejar import CookieJar
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, ProxyHandler, Request, build_opener

from heron.demo.errors import RunFailed

#: Longer than the 20 s between two keep-alives of the event stream.
TIMEOUT_S = 30.0


@dataclass
class Page(HTMLParser):
    """What matters of a page: its form token and its selectable invoices."""

    csrf_token: str = ""
    invoice_ids: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Prepare the parser."""
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect the form fields."""
        if tag != "input":
            return
        fields = {name: value or "" for name, value in attrs}
        if fields.get("name") == "csrfmiddlewaretoken":
            self.csrf_token = fields["value"]
        elif fields.get("name") == "invoice_ids":
            self.invoice_ids.append(int(fields["value"]))


class Visitor:
    """One reader of the site, with cookies."""

    def __init__(self, base_url: str) -> None:
        """Visit the site at `base_url`."""
        self._base = base_url
        # No proxy: the site is on this machine, whatever the environment says.
        self._opener = build_opener(HTTPCookieProcessor(CookieJar()), ProxyHandler({}))

    def log_in(self, username: str, password: str) -> None:
        """Log in through the form that people use."""
        form = self.page("/accounts/login/")
        fields = {
            "username": username,
            "password": password,
            "csrfmiddlewaretoken": form.csrf_token,
        }
        with self._open("/accounts/login/", fields) as answer:
            if "/accounts/login/" in answer.url:
                raise RunFailed(f"The site did not let {username} in.")

    def page(self, path: str) -> Page:
        """Read a page."""
        page = Page()
        with self._open(path) as answer:
            page.feed(answer.read().decode())
        return page

    def text(self, path: str) -> str:
        """Download a text file."""
        with self._open(path, accept="*/*") as answer:
            content: str = answer.read().decode("utf-8-sig")
        return content

    def json(self, path: str) -> dict[str, Any]:
        """Read a JSON document."""
        with self._open(path, accept="application/json") as answer:
            document: dict[str, Any] = json.load(answer)
        return document

    def post_json(self, path: str, fields: dict[str, Any]) -> dict[str, Any]:
        """Post a form and read the JSON answer."""
        with self._open(path, fields, accept="application/json") as answer:
            document: dict[str, Any] = json.load(answer)
        return document

    def post_file(self, path: str, field: str, name: str, content: bytes, token: str) -> Any:
        """Upload one file and read the JSON answer."""
        mark = secrets.token_hex(16)
        parts = [
            f'--{mark}\r\nContent-Disposition: form-data; name="csrfmiddlewaretoken"\r\n\r\n',
            f"{token}\r\n--{mark}\r\n",
            f'Content-Disposition: form-data; name="{field}"; filename="{name}"\r\n',
            "Content-Type: application/octet-stream\r\n\r\n",
        ]
        body = "".join(parts).encode() + content + f"\r\n--{mark}--\r\n".encode()
        headers = {"Content-Type": f"multipart/form-data; boundary={mark}"}
        with self._open(path, body, accept="application/json", headers=headers) as answer:
            return json.load(answer)

    def events(self, start: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
        """Follow an event stream from where a snapshot says it goes on, until it breaks off."""
        query = [("channel", name) for name in start["channels"]]
        query += [("lastEventId", start["id"]), ("ticket", start["ticket"])]
        path = f"/core/events/?{urlencode(query)}"
        kind = ""
        try:
            with closing(self._open(path, accept="text/event-stream")) as stream:
                for raw in stream:
                    name, _, value = raw.decode().rstrip("\r\n").partition(": ")
                    if name == "event":
                        kind = value
                    elif name == "data":
                        yield kind, json.loads(value or "{}")
        except (OSError, HTTPException, RunFailed, ValueError):
            return

    def _open(
        self,
        path: str,
        fields: dict[str, Any] | bytes | None = None,
        *,
        accept: str = "text/html",
        headers: dict[str, str] | None = None,
    ) -> Any:  # urllib's answers have no common public type
        data = urlencode(fields, doseq=True).encode() if isinstance(fields, dict) else fields
        request = Request(self._base + path, data, {"Accept": accept, **(headers or {})})  # noqa: S310 (our own URL)
        try:
            return self._opener.open(request, timeout=TIMEOUT_S)
        except HTTPError as error:
            with error:
                text = error.read(500).decode(errors="replace")
            raise RunFailed(f"{request.get_method()} {path}: {error.code}\n{text}") from error
