"""The routes of the application, as its router has them."""

from paas_stream.app import app
from web import views


def routes() -> set[tuple[str, str]]:
    """Method and path of each view. HEAD is a GET without its body."""
    assert views.__all__
    found = app.web.web_app.router.routes()
    return {
        (one.method, one.resource.canonical)
        for one in found
        if one.resource is not None and one.method != "HEAD"
    }
