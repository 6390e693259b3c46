"""What users read of an error that the IM passes on. The texts are what IM 2.0.0 has said."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paas_stream.clients.im_sentences import of_cloud, plain

LAUNCH = "Error launching the VMs of type node to cloud ID ost of type OpenStack. "
RULER = "*" * 75
REFUSED = (
    "the cloud refuses the login: user, password, project or token is wrong, "
    "or the token has expired"
)
POOL = "HTTPConnectionPool(host='127.0.0.1', port=9): Max retries exceeded with url: "
CAUSE = (
    "(Caused by NewConnectionError(\"HTTPConnection(host='127.0.0.1', port=9): "
    'Failed to establish a new connection: [Errno 111] Connection refused"))'
)
SECURE = "HTTPSConnectionPool(host='keystone.example.org', port=5000): "


STATUS = '{"kind": "Status", "metadata": {}, "code": 403, "message": "\\"web\\" is forbidden"}'


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("'Invalid credentials with the provider'", REFUSED),
        ("Invalid credentials with the provider", REFUSED),
        (
            f"{POOL}… {CAUSE}",
            "the cloud at 127.0.0.1:9 cannot be reached: Connection refused",
        ),
        (
            f"{POOL}/v3/auth/tokens {CAUSE}",
            "the cloud at 127.0.0.1:9 cannot be reached: Connection refused",
        ),
        (
            f"{SECURE}Max retries exceeded with url: /v3/auth/tokens (Caused by NameResolutionError("
            "\"HTTPSConnection(host='keystone.example.org', port=5000): Failed to resolve "
            "'keystone.example.org' ([Errno -2] Name or service not known)\"))",
            "the cloud at keystone.example.org:5000 cannot be reached: Name or service not known",
        ),
        (
            f"{SECURE}Max retries exceeded with url: / (Caused by SSLError(SSLCertVerificationError("
            "1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed "
            "certificate (_ssl.c:1006)')))",
            "the cloud at keystone.example.org:5000 cannot be reached: "
            "certificate verify failed: self-signed certificate",
        ),
        (
            f"{SECURE}Max retries exceeded with url: / (Caused by ConnectTimeoutError("
            "<HTTPSConnection at 0x1>, 'Connection to keystone.example.org timed out. "
            "(connect timeout=60)'))",
            "the cloud at keystone.example.org:5000 cannot be reached: timed out",
        ),
        (
            f"{SECURE}Max retries exceeded with url: / (Caused by ResponseError('too many'))",
            "the cloud at keystone.example.org:5000 cannot be reached: ResponseError('too many')",
        ),
        (
            f"{SECURE}Read timed out. (read timeout=60)",
            "the cloud at keystone.example.org:5000 did not answer in time",
        ),
        (f"{SECURE}Pool is closed.", f"the cloud cannot be used: {SECURE}Pool is closed."),
        ("Project p not found", "the cloud cannot be used: Project p not found"),
    ],
)
def test_what_keeps_the_im_out_of_a_cloud_is_a_sentence(said: str, told: str) -> None:
    assert of_cloud(said) == told


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            f"Error creating the Container: {STATUS}",
            'Error creating the Container: "web" is forbidden',
        ),
        (
            f"{LAUNCH}Attempt 1: Error creating the Namespace: "
            '{"kind":"Status","reason":"Unauthorized","code":401}\n',
            "Error creating the Namespace: Unauthorized",
        ),
        ('cut off: {"kind": "Status", "mess', 'cut off: {"kind": "Status", "mess'),
        (
            "2026-11-26 02:39:30.862486: All VMs failed. No contextualize.\n"
            f"VM 0:\n{LAUNCH}Attempt 1: 403 Forbidden Quota exceeded for instances: "
            f"Requested 1, but already used 0 of 0 instances\n{RULER}\n",
            "403 Forbidden Quota exceeded for instances: Requested 1, but already used 0 of 0 "
            "instances",
        ),
        (
            "2026-11-26 02:39:27.318523: All VMs failed. No contextualize.\n"
            f"VM 0:\n{LAUNCH}Attempt 1: Error: 404 Not Found {{'message': 'No image found with ID "
            "0-0<br /><br />\\n\\n\\n', 'code': '404 Not Found', 'title': 'Not Found'}\n"
            f"{RULER}\n",
            "404 Not Found No image found with ID 0-0",
        ),
        (
            f"VM 0: {LAUNCH}Attempt 1: Error: No flavor found for the specified VM requirements.\n"
            f"2026-11-26 02:39:27.3: {LAUNCH}Attempt 1: Error: No flavor found for the specified VM "
            "requirements.\n\n",
            "No flavor found for the specified VM requirements.",
        ),
        (f"{LAUNCH}Attempt 1: first\nAttempt 2: Error: second\n", "first; second"),
        (
            "2026-11-26 02:39:27: Error getting VM images: No VMI obtained from Sites to system "
            f"'node': Error getting images from cloud: ost ({POOL}/v3 {CAUSE})",
            "2026-11-26 02:39:27: Error getting VM images: No VMI obtained from Sites to system "
            "'node': Error getting images from cloud: ost "
            "(the cloud at 127.0.0.1:9 cannot be reached: Connection refused)",
        ),
        ("Contextualization disabled.\n\n", "Contextualization disabled.\n\n"),
        ("VM 0:\nTASK [a] ****************\nfatal", "VM 0:\nTASK [a] ****************\nfatal"),
    ],
)
def test_of_a_launch_that_failed_the_error_is_told(said: str, told: str) -> None:
    assert plain(said) == told


PARTS = (*"()'{}\n: ", LAUNCH, POOL, CAUSE, RULER, "(Caused by ", "Attempt 1: ", "Read timed out.")


@given(st.text() | st.lists(st.sampled_from(PARTS)).map("".join))
@settings(deadline=None, derandomize=True)
def test_no_text_is_too_much(said: str) -> None:
    assert isinstance(plain(said), str)
    assert of_cloud(said).startswith("the cloud")
