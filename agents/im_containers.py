"""What the IM has of an attempt's containers, and how they are changed there in place."""

from agents.im_place import Place
from paas_stream.clients import im_containers
from paas_stream.clients.im import ImClient
from paas_stream.clients.im_containers import Container
from paas_stream.tosca import containers


def has_containers(place: Place) -> bool:
    """Whether the provider makes containers, and no machines."""
    return place.candidate.target.type == "kubernetes"


async def there(place: Place, im: ImClient, most: int | None = None) -> list[Container]:
    """The containers that the IM has of the attempt, the first `most` of them."""
    authorization, infrastructure = await place.authorization(), place.effect.infrastructures[0]
    found = []
    for machine in (await im.machines(authorization, infrastructure))[:most]:
        described = await im.machine(authorization, infrastructure, machine)
        found.append(im_containers.of(machine, described, place.nodes()))
    return found


def most_mounts(place: Place) -> int:
    """How many volumes and files a container of the attempt has had at most."""
    made = (one for document in place.documents() for one in containers.made(document).values())
    return max((one.volumes + one.files for one in made), default=0)


async def alter(place: Place, im: ImClient, authorization: str, infrastructure: str) -> None:
    """Give the containers that are there the image, CPUs and memory that the template wants."""
    made = containers.made(place.document())
    for one in await there(place, im):
        if one.node in made and (change := im_containers.change(one, made[one.node])) is not None:
            await im.alter(authorization, infrastructure, one.machine, change)
