"""Certificates of this worker: for its clients, and for the other workers.

They are read again when their files change. The server's own context stays the same object; each
handshake moves to the newest one (`sni_callback`, which is called without a server name, too). So an
authority that was taken out of the file is out, which adding to one context could not do.
"""

import logging
import ssl
from pathlib import Path

from paas_stream.errors import ConfigurationError
from paas_stream.web_settings import TlsSettings

log = logging.getLogger(__name__)

Stamp = tuple[tuple[int, int, int], ...]

_VERIFY = {
    "none": ssl.CERT_NONE,
    "optional": ssl.CERT_OPTIONAL,
    "required": ssl.CERT_REQUIRED,
}


class Certificates:
    """The contexts in force."""

    def __init__(self, settings: TlsSettings) -> None:
        """Raises ConfigurationError unless all files can be used."""
        self._settings = settings
        self._files = [
            file
            for file in (settings.cert, settings.key, settings.ca, settings.client_ca)
            if file is not None
        ]
        self._stamp = self._stamps()
        self._newest = _server(settings)
        self.client = client_context(settings.ca, settings.cert, settings.key)
        self.server = _server(settings)  # what the web server was given at its start
        self.server.sni_callback = self._move

    def refresh(self) -> bool:
        """Read the files again if they have changed. Returns whether new ones are in force.

        It reads files, so it does not belong in an event loop. What cannot be used, because only one
        of two files is there yet, is tried again the next time; what was in force stays.
        """
        try:
            stamp = self._stamps()
            if stamp == self._stamp:
                return False
            server = _server(self._settings)
            client = client_context(self._settings.ca, self._settings.cert, self._settings.key)
        except ConfigurationError as exc:
            log.error("the certificates that are in use stay in use: %s", exc.message)
            return False
        self._newest, self.client, self._stamp = server, client, stamp
        log.info("new certificates are in force")
        return True

    def _move(self, connection: ssl.SSLObject, name: str | None, first: ssl.SSLContext) -> None:
        """Called in each handshake, before the certificate is sent."""
        connection.context = self._newest

    def _stamps(self) -> Stamp:
        try:
            found = [file.stat() for file in self._files]
        except OSError as exc:
            raise ConfigurationError(f"{exc.filename} cannot be read: {exc.strerror}") from exc
        return tuple((one.st_ino, one.st_mtime_ns, one.st_size) for one in found)


def certificates(settings: TlsSettings) -> Certificates | None:
    """The certificates of the settings; None: TLS is off."""
    return None if settings.cert is None else Certificates(settings)


def client_context(ca: Path | None, cert: Path | None, key: Path | None) -> ssl.SSLContext:
    """For connections to services: certificate and host name are checked.

    `ca` None: the system's authorities. Raises ConfigurationError.
    """
    try:
        context = ssl.create_default_context(cafile=ca)
    except (OSError, ssl.SSLError) as exc:
        raise ConfigurationError(f"{ca} has no certificates of authorities: {_why(exc)}") from exc
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _load(context, cert, key)
    return context


def _server(settings: TlsSettings) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    # a resumed session would go on with certificates that are out of force
    context.options |= ssl.OP_NO_TICKET
    context.num_tickets = 0
    _load(context, settings.cert, settings.key)
    if settings.clients != "none":
        try:
            context.load_verify_locations(cafile=settings.client_ca)
        except (OSError, ssl.SSLError) as exc:
            text = f"{settings.client_ca} has no certificates of authorities: {_why(exc)}"
            raise ConfigurationError(text) from exc
        context.verify_mode = _VERIFY[settings.clients]
    return context


def _load(context: ssl.SSLContext, cert: Path | None, key: Path | None) -> None:
    if cert is None:
        return
    try:
        context.load_cert_chain(cert, key, password=_no_password)
    except (OSError, ssl.SSLError, ValueError) as exc:
        text = f"{cert} and {key} are no certificate and its key: {_why(exc)}"
        raise ConfigurationError(text) from exc


def _no_password() -> str:
    """Instead of a question at the terminal."""
    raise ValueError("the key is encrypted")


def _why(exc: Exception) -> str:
    if isinstance(exc, ssl.SSLError):  # an OSError, too
        return exc.reason or "not PEM"
    return exc.strerror or str(exc) if isinstance(exc, OSError) else str(exc)
