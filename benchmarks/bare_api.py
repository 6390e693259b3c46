"""The baseline of api.py: aiohttp alone, with the same bytes: `python bare_api.py PORT ONE LIST`.

ONE and LIST are files that hold the answers to GET /deployments/{uuid} and to GET /deployments.
"""

import sys
from pathlib import Path

import uvloop
from aiohttp import web


def main() -> None:
    """Serve until it is ended."""
    port, one, page = int(sys.argv[1]), *(Path(name).read_bytes() for name in sys.argv[2:4])

    async def get_one(request: web.Request) -> web.Response:
        return web.Response(body=one, content_type="application/json")

    async def get_list(request: web.Request) -> web.Response:
        return web.Response(body=page, content_type="application/json")

    app = web.Application()
    app.router.add_get("/deployments/{uuid}", get_one)
    app.router.add_get("/deployments", get_list)
    uvloop.install()
    web.run_app(app, host="127.0.0.1", port=port, print=None, access_log=None)


if __name__ == "__main__":
    main()
