"""How every Kafka client of ours connects, and why a broker refuses it.

aiokafka logs the reason for which it could not connect, and raises an error that has none.
"""

import asyncio
import ssl
from typing import Any

from aiokafka.conn import collect_hosts, create_conn
from aiokafka.errors import (
    IllegalSaslStateError,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)

from paas_stream.errors import TemporaryError
from paas_stream.settings import KafkaSettings
from paas_stream.tls import client_context

_ASK_S = 5.0  # one broker, for the reason


class KafkaRefusedError(TemporaryError):
    """A broker is there and refuses us, or we refuse it: certificate, login or protocol."""

    code = "kafka_refused"


def context(settings: KafkaSettings) -> ssl.SSLContext | None:
    """How brokers' certificates are checked; None: without TLS. Raises ConfigurationError."""
    if not settings.security.endswith("SSL"):
        return None
    return client_context(settings.ca, settings.cert, settings.key)


def connection(settings: KafkaSettings) -> dict[str, Any]:
    """What each client of aiokafka is given to connect. Raises ConfigurationError."""
    return {"bootstrap_servers": settings.bootstrap} | security(settings)


def security(settings: KafkaSettings) -> dict[str, Any]:
    """The part of `connection` that is about TLS and the login."""
    options: dict[str, Any] = {
        "security_protocol": settings.security,
        "ssl_context": context(settings),
    }
    if settings.security.startswith("SASL"):
        options |= {
            "sasl_mechanism": settings.mechanism,
            "sasl_plain_username": settings.username,
            "sasl_plain_password": settings.password and settings.password.get_secret_value(),
        }
    return options


async def fault(settings: KafkaSettings, exc: BaseException) -> TemporaryError:
    """What is to be told when Kafka could not be used; `exc` is what the client raised.

    Asks the brokers for the reason, which takes a few seconds at most.
    """
    why = None if settings.security == "PLAINTEXT" else await refusal(settings)
    if why is not None:
        return KafkaRefusedError(f"Kafka at {settings.bootstrap} cannot be used: {why}")
    text = f"Kafka at {settings.bootstrap} does not answer ({type(exc).__name__})"
    if settings.security != "PLAINTEXT":
        text += f"; does it speak {settings.security} at this port? (PAAS_KAFKA_SECURITY)"
    return TemporaryError(text)


def told(settings: KafkaSettings, exc: BaseException) -> TemporaryError:
    """`fault`, outside of an event loop."""
    return asyncio.run(fault(settings, exc))


async def refusal(settings: KafkaSettings) -> str | None:
    """Why the first broker that is there refuses a connection; None: none does, or none is there."""
    options = security(settings)
    for host, port, _ in collect_hosts(settings.bootstrap, randomize=False):
        try:
            async with asyncio.timeout(_ASK_S):
                made = await create_conn(
                    host, port, request_timeout_ms=int(_ASK_S * 1000), **options
                )
        except (KafkaError, OSError, TimeoutError) as exc:
            why = _reason(exc, settings)
            if why is not None:
                return why
        else:
            made.close()
            return None
    return None


def _reason(exc: BaseException, settings: KafkaSettings) -> str | None:
    """In words; None: the broker may merely be away."""
    match exc:
        case ssl.SSLCertVerificationError():
            return f"its certificate is refused, {exc.verify_message} (PAAS_KAFKA_CA)"
        case ssl.SSLEOFError() | ssl.SSLZeroReturnError():
            return None  # so does a proxy whose broker is away
        case ssl.SSLError():
            return f"TLS failed, {exc.reason or 'it speaks another protocol'} (PAAS_KAFKA_SECURITY)"
        case SaslAuthenticationFailed():
            user = settings.username
            return f"it refuses the login of {user!r} by {settings.mechanism} (PAAS_KAFKA_PASSWORD)"
        case UnsupportedSaslMechanismError():
            return f"it takes no login by {settings.mechanism} (PAAS_KAFKA_MECHANISM)"
        case IllegalSaslStateError():
            return "it takes no login at this port (PAAS_KAFKA_SECURITY)"
    return None
