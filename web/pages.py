"""`/ui/`: a page for people. It is made of files beside this module and of the REST API alone.

Scripts and styles come from this worker only, none stands in the HTML, and the policy below forbids
the rest: so a template's name or an error text can never become a script.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType
from typing import Final

from aiohttp import web
from faust.web import View

from paas_stream.app import app
from web.faults import ApiError

_TYPES: Final = {
    ".html": "text/html",
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
HEADERS: Final = {
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; object-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


@dataclass(frozen=True)
class Asset:
    """One file of a page."""

    body: bytes
    content_type: str
    etag: str

    @classmethod
    def of(cls, body: bytes, content_type: str) -> "Asset":
        """A file with this content."""
        return cls(body, content_type, hashlib.sha256(body).hexdigest()[:16])


def read(folder: str) -> dict[str, Asset]:
    """All files of a page, read once: nothing else can be asked for."""
    found = {}
    for file in resources.files("web").joinpath(folder).iterdir():
        ending = "." + file.name.rpartition(".")[2]
        if ending in _TYPES:
            found[file.name] = Asset.of(file.read_bytes(), _TYPES[ending])
    return found


assets = read("ui")


def serve(
    request: web.Request, name: str, files: Mapping[str, Asset] = MappingProxyType(assets)
) -> web.Response:
    """A file of a page; 304 when the caller has it. Raises ApiError 404."""
    asset = files.get(name)
    if asset is None:
        raise ApiError(404, f"there is nothing at {request.path}")
    headers = HEADERS | {"ETag": f'"{asset.etag}"'}
    if any(tag.value == asset.etag for tag in request.if_none_match or ()):
        return web.Response(status=304, headers=headers)
    return web.Response(
        body=asset.body, content_type=asset.content_type, charset="utf-8", headers=headers
    )


@app.page("/ui")
class Ui(View):
    """Relative links of the page need the slash."""

    async def get(self, request: web.Request) -> web.Response:
        raise web.HTTPFound("/ui/")


@app.page("/ui/")
class Index(View):
    """The page."""

    async def get(self, request: web.Request) -> web.Response:
        return serve(request, "index.html")


@app.page("/ui/{name}")
class Files(View):
    """Its styles and scripts."""

    async def get(self, request: web.Request, name: str) -> web.Response:
        return serve(request, name)
