"""The operations of the REST API beside those that follow one deployment to its end.

All raise the errors of `client_errors`. What may be sent again without harm is.
"""

from collections.abc import Iterator
from typing import Any, Literal
from urllib.parse import parse_qs, quote, urlsplit

_PER_PAGE = 100


def path_of(*parts: str) -> str:
    """A path whose parts stay parts, whatever is in them."""
    return "".join(f"/{quote(part, safe='')}" for part in parts)


class Operations:
    """What `Client` can ask for; it brings `_call`."""

    def _call(
        self,
        method: str,
        path: str,
        *,
        repeatable: bool = False,
        as_text: bool = False,
        **options: Any,
    ) -> Any:
        raise NotImplementedError

    def _pages(self, path: str, query: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """All entries of a list, page by page."""
        number, pages = 0, 1
        place: dict[str, str] = {}  # a bookmark: a page by its number alone may lie too deep
        while number < pages:
            params = query | {"page": number, "size": _PER_PAGE} | place
            page = self._call("GET", path, params=params)
            yield from page["content"]
            had_place, place = bool(place), _behind(page)
            if had_place and not place:
                return
            number, pages = number + 1, page["page"]["totalPages"]

    # -- one deployment

    def update(
        self, uuid: str, template: str, inputs: dict[str, Any], **options: Any
    ) -> dict[str, Any]:
        """Ask for another template or other inputs; the deployment as it is now."""
        body = request_body(template, inputs, options)
        return dict(self._call("PUT", path_of("deployments", uuid), json=body))

    def give_up_delete(self, uuid: str) -> None:
        """A delete that is stuck becomes DELETE_FAILED."""
        body = {"status": "DELETE_FAILED"}
        self._call("PATCH", path_of("deployments", uuid), json=body)

    def template(self, uuid: str) -> str:
        """The template as it was handed over."""
        return str(self._call("GET", path_of("deployments", uuid, "template"), as_text=True))

    def log(self, uuid: str) -> str:
        """What the IM has logged."""
        return str(self._call("GET", path_of("deployments", uuid, "log"), as_text=True))

    def extra_info(self, uuid: str) -> list[Any]:
        """The machines as the IM tells of them."""
        return list(self._call("GET", path_of("deployments", uuid, "extrainfo")))

    def resources(self, uuid: str, tosca_type: str | None = None) -> Iterator[dict[str, Any]]:
        """The nodes of a deployment; with a type, those of it and of what is derived from it."""
        query = {} if tosca_type is None else {"type": tosca_type}
        return self._pages(path_of("deployments", uuid, "resources"), query)

    def resource(self, uuid: str, rid: str) -> dict[str, Any]:
        """One node."""
        return dict(self._call("GET", path_of("deployments", uuid, "resources", rid)))

    def act(self, uuid: str, rid: str, action: Literal["start", "stop", "reconfigure"]) -> None:
        """Start or stop a machine, or do its contextualization once more."""
        path = path_of("deployments", uuid, "resources", rid, "actions")
        self._call("POST", path, json={"type": action})

    def reconfigure(self, uuid: str) -> None:
        """Do the contextualization of all machines that run once more."""
        self._call("POST", path_of("deployments", uuid, "actions"), json={"type": "reconfigure"})

    # -- templates

    def inspect(self, template: str, inputs: dict[str, Any] | None = None) -> dict[str, Any]:
        """Inputs, nodes and requirements of a template; nothing is deployed."""
        body = {"template": template, "parameters": inputs or {}}
        return dict(self._call("POST", "/templates/inspect", json=body, repeatable=True))

    def stored_templates(self, **query: Any) -> Iterator[dict[str, Any]]:
        """All stored templates, without their texts."""
        return self._pages("/templates", query)

    def stored_template(self, key: str) -> dict[str, Any]:
        """One stored template with its text."""
        return dict(self._call("GET", path_of("templates", key)))

    def store_template(self, template: str, **options: Any) -> dict[str, Any]:
        """Keep a template for all users; the same text is kept once."""
        given = {name: value for name, value in options.items() if value is not None}
        body = {"template": template} | given
        return dict(self._call("POST", "/templates", json=body, repeatable=True))

    def forget_template(self, key: str) -> None:
        """Delete a stored template."""
        self._call("DELETE", path_of("templates", key))

    # -- providers, reports, the caller, the service

    def providers(self, **query: Any) -> Iterator[dict[str, Any]]:
        """All providers, regions and projects."""
        return self._pages("/providers", query)

    def provider(self, name: str) -> dict[str, Any]:
        """One provider with all that it offers."""
        return dict(self._call("GET", path_of("providers", name)))

    def errors(self, **query: Any) -> Iterator[dict[str, Any]]:
        """What went wrong, as far as the caller may see it."""
        return self._pages("/errors", query)

    def statistics(self, **query: Any) -> dict[str, Any]:
        """The deployments that the query asks for, counted; it selects as in `deployments`."""
        return dict(self._call("GET", "/statistics", params=query))

    def ssh_key(self) -> dict[str, Any]:
        """The caller's public key."""
        return dict(self._call("GET", "/user/ssh-key"))

    def set_ssh_key(self, key: str) -> dict[str, Any]:
        """Store the caller's public key: the text of a .pub file."""
        return dict(self._call("PUT", "/user/ssh-key", json={"publicKey": key}))

    def forget_ssh_key(self) -> None:
        """Delete the caller's public key."""
        self._call("DELETE", "/user/ssh-key")

    def reconcile(self) -> None:
        """Ask for a comparison of the IM with all deployments; for admins."""
        self._call("POST", "/admin/reconcile")

    def components(self) -> list[dict[str, Any]]:
        """Which components are alive."""
        return list(self._call("GET", "/components")["components"])

    def info(self) -> dict[str, Any]:
        """What the service is."""
        return dict(self._call("GET", "/info"))


def request_body(template: str, inputs: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    """The body of a POST or PUT of a deployment; what is None is left out."""
    given = {name: value for name, value in options.items() if value is not None}
    return {"template": template, "parameters": inputs} | given


def _behind(page: dict[str, Any]) -> dict[str, str]:
    """The bookmark that the link to the next page has; nothing where its number is enough."""
    for link in page.get("links", ()):
        if link["rel"] == "next":
            found = parse_qs(urlsplit(link["href"]).query).get("after", [])
            return {"after": found[0]} if found else {}
    return {}
