"""`/openapi.json`, the contract for programs, and `/docs`, the same for people.

The page is made of the files in `web/docs_page` and of `/openapi.json`, under the policy of `web.pages`.
"""

from typing import Final

import orjson
from aiohttp import web
from faust.web import View

from paas_stream import __version__
from paas_stream.app import app
from web import pages
from web.contract.document import document
from web.contract.operations import OPERATIONS
from web.pages import Asset

JSON_FILE: Final = "openapi.json"
assets: Final = pages.read("docs_page") | {
    JSON_FILE: Asset.of(orjson.dumps(document(OPERATIONS, __version__)), "application/json")
}


@app.page("/openapi.json")
class OpenApi(View):
    """The document."""

    async def get(self, request: web.Request) -> web.Response:
        return pages.serve(request, JSON_FILE, assets)


@app.page("/docs")
class Docs(View):
    """The page."""

    async def get(self, request: web.Request) -> web.Response:
        return pages.serve(request, "index.html", assets)


@app.page("/docs/{name}")
class DocsFiles(View):
    """Its styles and scripts."""

    async def get(self, request: web.Request, name: str) -> web.Response:
        return pages.serve(request, name, assets)
