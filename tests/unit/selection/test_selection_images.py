"""The image of a node: by URI, by name, by criteria, or the first."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paas_stream.records import Feeder, Image, NodeRequirement
from paas_stream.selection import images
from paas_stream.selection.reasons import Code, Reason

OFFERED = images.in_order(
    [
        Image(
            name="ubuntu",
            iaas_uuid="u24",
            os_type="linux",
            os_distro="Ubuntu",
            os_version="24.04",
            architecture="x86_64",
            created_at="2025-06-01",
        ),
        Image(
            name="ubuntu-22",
            iaas_uuid="u22",
            os_distro="ubuntu",
            os_version="22.04",
            created_at="2025-03-01",
            tags=("gold", "lts"),
        ),
        Image(
            name="alma",
            iaas_uuid="a9",
            os_distro="almalinux",
            os_version="9",
            created_at="2025-07-01",
        ),
        Image(name="mine", iaas_uuid="m", is_shared=False, created_at="2020-01-01"),
        Image(name="with:colon", iaas_uuid="c", created_at="2019-01-01"),
    ]
)


def choose(**asked: object) -> Image | str | Reason | None:
    return images.choose(NodeRequirement.model_validate({"name": "server", **asked}), OFFERED)


def test_images_of_the_project_come_first_then_the_newest() -> None:
    assert [image.name for image in OFFERED] == [
        "mine",
        "alma",
        "ubuntu",
        "ubuntu-22",
        "with:colon",
    ]


@pytest.mark.parametrize(
    ("asked", "chosen"),
    [
        ({}, "mine"),
        ({"image": "ubuntu"}, "ubuntu"),
        ({"image": "with:colon"}, "with:colon"),
        ({"image": "ubuntu-22:lts"}, "ubuntu-22"),
        ({"os_distribution": "UBUNTU"}, "ubuntu"),
        ({"os_distribution": "ubuntu", "os_version": "22.4"}, "ubuntu-22"),
        ({"os_distribution": "ubuntu", "os_version": "22"}, "ubuntu-22"),
        ({"os_version": "9"}, "alma"),
        ({"os_type": "Linux", "os_distribution": "ubuntu"}, "ubuntu"),
        # unknown type and architecture are no obstacle
        ({"os_type": "linux", "os_distribution": "almalinux"}, "alma"),
        ({"os_architecture": "arm64", "os_distribution": "ubuntu"}, "ubuntu-22"),
        # a name that is not found falls back to the criteria
        ({"image": "Ubuntu", "os_distribution": "almalinux"}, "alma"),
        ({"image": "ubuntu-22:silver", "os_version": "24.04"}, "ubuntu"),
    ],
)
def test_an_image_is_found_by_name_or_criteria(asked: dict[str, object], chosen: str) -> None:
    image = choose(**asked)
    assert isinstance(image, Image)
    assert image.name == chosen


@pytest.mark.parametrize(
    ("asked", "what"),
    [
        ({"image": "Ubuntu"}, "'Ubuntu'"),
        ({"image": "ubuntu-22:silver"}, "'ubuntu-22:silver'"),
        ({"image": "docker://nginx"}, "'docker://nginx'"),
        ({"os_distribution": "debian"}, "debian"),
        ({"os_type": "windows", "os_version": "24.04"}, "windows 24.04"),
        ({"image": "x", "os_distribution": "ubuntu", "os_version": "20.04"}, "'x' ubuntu 20.04"),
    ],
)
def test_an_image_that_is_missing_is_told(asked: dict[str, object], what: str) -> None:
    reason = choose(**asked)
    assert isinstance(reason, Reason)
    assert reason.code == Code.IMAGE
    assert reason.sentence == (
        f"node 'server': no image fits {what} (images: mine, alma, ubuntu, ubuntu-22, with:colon)"
    )


@pytest.mark.parametrize("scheme", ["ost", "one", "aws", "azr"])
def test_a_uri_is_taken_verbatim(scheme: str) -> None:
    assert choose(image=f"{scheme}://cloud.example.org/x") == f"{scheme}://cloud.example.org/x"


def test_nothing_asked_of_a_provider_that_shows_no_images_leaves_the_image_open() -> None:
    assert images.choose(NodeRequirement(name="server"), ()) is None


def test_criteria_are_not_met_by_a_provider_that_shows_no_images() -> None:
    reason = images.choose(NodeRequirement(name="server", os_distribution="debian"), ())
    assert isinstance(reason, Reason)
    assert reason.sentence == "node 'server': no image fits debian (images: none)"


@pytest.mark.parametrize(
    ("asked", "offered", "same"),
    [
        ("22.04", "22.04", True),
        ("22.4", "22.04", True),
        ("22", "22.04", True),
        ("22.04", "22.04.3", True),
        ("22.04", "22.04 LTS", True),
        ("9", "9.3", True),
        ("22.04", "22", False),
        ("22.4", "22.40", False),
        ("2", "22.04", False),
        ("22.04", None, False),
        ("22.04", "", False),
    ],
)
def test_versions_are_compared_part_by_part(asked: str, offered: str | None, same: bool) -> None:
    assert images.same_version(asked, offered) is same


@given(st.lists(st.integers(0, 99), min_size=1, max_size=3), st.integers(0, 99))
def test_a_version_is_met_by_itself_and_by_each_of_its_refinements(
    parts: list[int], further: int
) -> None:
    version = ".".join(map(str, parts))
    padded = ".".join(f"{part:02}" for part in parts)
    assert images.same_version(version, padded)
    assert images.same_version(padded, f"{version}.{further}")
    assert not images.same_version(f"{version}.{further}", version)


@pytest.mark.parametrize(
    ("provider_type", "image", "reference"),
    [
        ("openstack", Image(name="a", iaas_uuid="u"), "ost://keystone.example.org/u"),
        ("openstack", Image(name="a"), "ost://keystone.example.org/a"),
        ("dummy", Image(name="a", iaas_uuid="u"), "u"),
        ("dummy", Image(name="a"), "a"),
    ],
)
def test_an_image_is_named_as_the_infrastructure_manager_wants_it(
    provider_type: str, image: Image, reference: str
) -> None:
    feeder = Feeder(
        provider_name="site",
        provider_type=provider_type,
        provider_endpoint="https://keystone.example.org:5000/v3",
        project_id="p",
        user_group="g",
    )
    assert images.reference(image, feeder) == reference


@pytest.mark.parametrize(
    ("asked", "offered", "enough"),
    [
        ("12.2", "12.2", True),
        ("12.2", "12.10", True),
        ("12.10", "12.2", False),
        ("12", "12.2", True),
        ("12.2", "12", False),
        ("12.0", "12", True),
        ("535.104", "535.104.05", True),
        ("12.0", "12.0rc1", False),
        ("12.2", None, False),
        ("12.2", "", False),
    ],
)
def test_a_minimum_is_met_by_the_same_and_by_later_versions(
    asked: str, offered: str | None, enough: bool
) -> None:
    assert images.at_least(asked, offered) is enough


@pytest.mark.parametrize(
    ("wish", "offer", "fits"),
    [
        ({"gpu_driver": True}, {"gpu_driver": True}, True),
        ({"gpu_driver": True}, {"gpu_driver_version": "535"}, True),
        ({"gpu_driver": True}, {}, False),
        ({"gpu_driver_version": "530"}, {"gpu_driver_version": "535"}, True),
        ({"gpu_driver_version": "530"}, {"gpu_driver": True}, False),
        ({"cuda_support": True}, {"cuda_support": True}, True),
        ({"cuda_support": True}, {"gpu_driver": True}, False),
        ({"cuda_version": "12.2"}, {"cuda_version": "12.3"}, True),
        ({"cuda_version": "12.2"}, {"cuda_version": "11.8"}, False),
        ({"cuda_version": "12.2"}, {"cuda_support": True}, False),
    ],
)
def test_gpu_software_must_be_known_to_be_there(
    wish: dict[str, object], offer: dict[str, object], fits: bool
) -> None:
    node = NodeRequirement.model_validate({"name": "n", **wish})
    image = Image.model_validate({"name": "i", **offer})
    assert (images.choose(node, (image,)) is image) is fits
