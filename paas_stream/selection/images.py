"""Images: the one that a node asks for by URI, name or criteria.

Source of the rules: the field's orchestrator (ToscaServiceImpl), with versions compared as versions
and an order of preference.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import urlsplit

from paas_stream.records import Feeder, Image, NodeRequirement
from paas_stream.selection.reasons import Code, Reason, some

URI_SCHEMES = frozenset({"ost", "one", "aws", "azr"})  # taken verbatim: a user knows the cloud

_VERSION_PART = re.compile(r"\d+|[a-z]+")


def in_order(images: Iterable[Image]) -> tuple[Image, ...]:
    """The project's own images before shared ones, of these the newest first, then by name."""
    ordered = sorted(images, key=lambda i: i.name)
    ordered.sort(key=lambda i: i.created_at or "", reverse=True)
    ordered.sort(key=lambda i: i.is_shared)
    return tuple(ordered)


def same_version(asked: str, offered: str | None) -> bool:
    """Whether `asked` is the version `offered` or the beginning of it.

    "22.4" is "22.04"; "22" asks for any "22.x"; "22.04" is not met by "22".
    """
    wanted, found = _version(asked), _version(offered or "")
    return bool(wanted) and found[: len(wanted)] == wanted


@lru_cache(maxsize=4096)
def _version(text: str) -> tuple[int | str, ...]:
    return tuple(
        int(part) if part.isdigit() else part for part in _VERSION_PART.findall(text.casefold())
    )


def is_uri(image: str | None) -> bool:
    """Whether `image` is a URI that goes to the cloud as it is."""
    scheme, separator, _ = (image or "").partition("://")
    return bool(separator) and scheme in URI_SCHEMES


def choose(requirement: NodeRequirement, images: tuple[Image, ...]) -> Image | str | Reason | None:
    """The image for one node, of `images` as `in_order` gives them, or why there is none.

    A URI is taken as it is. A name that is not found falls back to the criteria when any is given,
    else nothing fits. Nothing asked: the first image, or None when the provider shows no images.
    """
    if is_uri(requirement.image):
        return requirement.image
    if requirement.image:
        for image in images:
            if _has_name(image, requirement.image):
                return image
    if _asks_criteria(requirement):
        for image in images:
            if _meets(image, requirement):
                return image
    elif not requirement.image:
        return images[0] if images else None
    return Reason(Code.IMAGE, lambda: _no_fit(requirement, images))


def _has_name(image: Image, asked: str) -> bool:
    if image.name == asked:
        return True
    name, colon, tag = asked.rpartition(":")
    return bool(colon) and image.name == name and tag in image.tags


def _asks_criteria(requirement: NodeRequirement) -> bool:
    return bool(
        requirement.os_type
        or requirement.os_architecture
        or requirement.os_distribution
        or requirement.os_version
    )


def _meets(image: Image, requirement: NodeRequirement) -> bool:
    # Providers leave type and architecture empty for most images: an unknown one is no obstacle.
    # The distribution stands first because it tells most images apart.
    return (
        _same(requirement.os_distribution, image.os_distro)
        and _same(requirement.os_type, image.os_type or requirement.os_type)
        and _same(requirement.os_architecture, image.architecture or requirement.os_architecture)
        and (not requirement.os_version or same_version(requirement.os_version, image.os_version))
    )


def _same(asked: str | None, offered: str | None) -> bool:
    return not asked or asked.casefold() == (offered or "").casefold()


def _no_fit(requirement: NodeRequirement, images: tuple[Image, ...]) -> str:
    asked = " ".join(
        filter(
            None,
            (
                requirement.image and repr(requirement.image),
                requirement.os_type,
                requirement.os_architecture,
                requirement.os_distribution,
                requirement.os_version,
            ),
        )
    )
    offered = some([image.name for image in images])
    return f"node {requirement.name!r}: no image fits {asked} (images: {offered})"


def reference(image: Image, feeder: Feeder) -> str:
    """How the Infrastructure Manager is told to take this image at this provider."""
    identifier = image.iaas_uuid or image.name
    if feeder.provider_type == "openstack":
        return f"ost://{urlsplit(feeder.provider_endpoint).hostname}/{identifier}"
    return identifier
