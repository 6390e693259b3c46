"""The login at Kafka, as Faust wants it."""

import faust
from faust.types.auth import CredentialsT

from paas_stream.clients.kafka import context
from paas_stream.settings import KafkaSettings


def credentials(settings: KafkaSettings) -> CredentialsT | None:
    """None: there is no login and no TLS. Raises ConfigurationError."""
    ssl_context = context(settings)
    if settings.security.startswith("SASL") and settings.password is not None:
        return faust.SASLCredentials(
            username=settings.username,
            password=settings.password.get_secret_value(),
            mechanism=settings.mechanism,
            ssl_context=ssl_context,
        )
    return None if ssl_context is None else faust.SSLCredentials(ssl_context)
