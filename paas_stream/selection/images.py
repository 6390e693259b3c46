"""Images: the one that a node asks for by URI, name or criteria.

Source of the rules: the field's orchestrator (ToscaServiceImpl), with versions compared as versions
and an order of preference.
"""

import re
from collections.abc import Iterable, Iterator
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


def at_least(asked: str, offered: str | None) -> bool:
    """Whether the version `offered` is `asked` or a later one; an unknown one is not."""
    wanted, found = _version(asked), _version(offered or "")
    length = max(len(wanted), len(found))
    return bool(found) and _comparable(found, length) >= _comparable(wanted, length)


def _comparable(version: tuple[int | str, ...], length: int) -> list[tuple[int, int, str]]:
    """Numbers stand after letters ("12.0rc" is before "12.0"), a missing part is 0."""
    parts = [(1, part, "") if isinstance(part, int) else (0, 0, part) for part in version]
    return parts + [(1, 0, "")] * (length - len(parts))


@lru_cache(maxsize=4096)
def _version(text: str) -> tuple[int | str, ...]:
    return tuple(
        int(part) if part.isdigit() else part for part in _VERSION_PART.findall(text.casefold())
    )


def is_uri(image: str | None) -> bool:
    """Whether `image` is a URI that goes to the cloud as it is."""
    scheme, separator, _ = (image or "").partition("://")
    return bool(separator) and scheme in URI_SCHEMES


class Wish:
    """What one node asks of an image, prepared to be compared with the images of many providers."""

    def __init__(self, requirement: NodeRequirement) -> None:
        self._requirement = requirement
        self._name = requirement.image
        self._is_uri = is_uri(requirement.image)
        self._distribution = (requirement.os_distribution or "").casefold()
        self._kind = (requirement.os_type or "").casefold()
        self._architecture = (requirement.os_architecture or "").casefold()
        self._version = requirement.os_version
        self._gpu_software = bool(
            requirement.gpu_driver
            or requirement.gpu_driver_version
            or requirement.cuda_support
            or requirement.cuda_version
        )
        self._has_criteria = bool(
            self._distribution
            or self._kind
            or self._architecture
            or self._version
            or self._gpu_software
        )

    def choose(self, images: tuple[Image, ...]) -> Image | str | Reason | None:
        """As the function `choose`."""
        if self._name:
            if self._is_uri:
                return self._name
            for image in images:
                if _has_name(image, self._name):
                    return image
        if self._has_criteria:
            for image in images:
                if self._is_met(image):
                    return image
        elif not self._name:
            return images[0] if images else None
        return Reason(Code.IMAGE, lambda: _no_fit(self._requirement, images))

    def _is_met(self, image: Image) -> bool:
        # The distribution stands first because it tells most images apart.
        if self._distribution and (image.os_distro or "").casefold() != self._distribution:
            return False
        # Providers leave type and architecture empty for most images: that is no obstacle.
        if self._kind and image.os_type and image.os_type.casefold() != self._kind:
            return False
        architecture = image.architecture
        if self._architecture and architecture and architecture.casefold() != self._architecture:
            return False
        if self._version and not same_version(self._version, image.os_version):
            return False
        return not self._gpu_software or _has_gpu_software(image, self._requirement)


def choose(requirement: NodeRequirement, images: tuple[Image, ...]) -> Image | str | Reason | None:
    """The image for one node, of `images` as `in_order` gives them, or why there is none.

    A URI is taken as it is. A name that is not found falls back to the criteria when any is given,
    else nothing fits. Nothing asked: the first image, or None when the provider shows no images.
    """
    return Wish(requirement).choose(images)


def _has_name(image: Image, asked: str) -> bool:
    if image.name == asked:
        return True
    name, colon, tag = asked.rpartition(":")
    return bool(colon) and image.name == name and tag in image.tags


def _has_gpu_software(image: Image, requirement: NodeRequirement) -> bool:
    driver, cuda = requirement.gpu_driver_version, requirement.cuda_version
    return (
        (not requirement.gpu_driver or image.gpu_driver or bool(image.gpu_driver_version))
        and (not requirement.cuda_support or image.cuda_support or bool(image.cuda_version))
        and (not driver or at_least(driver, image.gpu_driver_version))
        and (not cuda or at_least(cuda, image.cuda_version))
    )


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
                *_gpu_software(requirement),
            ),
        )
    )
    offered = some([image.name for image in images])
    return f"node {requirement.name!r}: no image fits {asked} (images: {offered})"


def _gpu_software(requirement: NodeRequirement) -> Iterator[str]:
    driver, cuda = requirement.gpu_driver_version, requirement.cuda_version
    if requirement.gpu_driver or driver:
        yield f"with a GPU driver of at least {driver}" if driver else "with a GPU driver"
    if requirement.cuda_support or cuda:
        yield f"with CUDA of at least {cuda}" if cuda else "with CUDA"


def reference(image: Image, feeder: Feeder) -> str:
    """How the Infrastructure Manager is told to take this image at this provider."""
    identifier = image.iaas_uuid or image.name
    if feeder.provider_type == "openstack":
        return f"ost://{urlsplit(feeder.provider_endpoint).hostname}/{identifier}"
    return identifier
