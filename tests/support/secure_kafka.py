"""The embedded Kafka with listeners that want certificates and logins."""

from pathlib import Path

from support.certificates import Authority

from paas_stream.local import kafka
from paas_stream.local.kafka import EmbeddedKafka
from paas_stream.local.processes import Launch, run
from paas_stream.settings import Settings

USER, PASSWORD = "paas", "correct-horse"
_SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
_PLAIN = (
    f'org.apache.kafka.common.security.plain.PlainLoginModule required user_{USER}="{PASSWORD}";'
)
# listener: where it is after the broker's own two ports
LISTENERS = {"SSL": 2, "MTLS": 3, "SASL_SSL": 4, "SASL_PLAINTEXT": 5}
PORTS = 2 + len(LISTENERS)


class SecureKafka(EmbeddedKafka):
    """One broker; `address(listener)` is where it wants what."""

    def __init__(self, settings: Settings, ca: Authority) -> None:
        super().__init__(settings)
        self._ca = ca
        self._broker = ca.sign("broker")

    def address(self, listener: str) -> str:
        """Bootstrap server of a listener."""
        return f"127.0.0.1:{self.settings.port + LISTENERS[listener]}"

    def _prepare(self) -> Launch:
        mark = self.process.directory / "data" / "meta.properties"
        mark.parent.mkdir()
        mark.touch()  # the storage is made below, with SCRAM users
        launch = super()._prepare()
        mark.unlink()
        properties = self.process.directory / "server.properties"
        properties.write_text(self._properties(properties.read_text()))
        users = [
            f"--add-scram={mechanism}=[name={USER},password={PASSWORD}]"
            for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512")
        ]
        tool = ["kafka.tools.StorageTool", "format", "--standalone"]
        identity = ["--cluster-id=AAAAAAAAAAAAAAAAAAAAAA", *users, "-c", str(properties)]
        java = launch.command[: launch.command.index("-XX:+ExitOnOutOfMemoryError") - 1]
        run([*java, *tool, *identity], kafka.JAVA_TIMEOUT_S, "the storage was not formatted")
        return launch

    def _properties(self, text: str) -> str:
        more = [f"{name}://{self.address(name)}" for name in LISTENERS]
        lines = []
        for line in text.splitlines():
            name, _, value = line.partition("=")
            if name in ("listeners", "advertised.listeners"):
                value = ",".join([value, *more])
            lines.append(f"{name}={value}")
        keystore = self.process.directory / "broker.pem"
        keystore.write_bytes(self._broker.key.read_bytes() + self._broker.cert.read_bytes())
        protocols = {name: name for name in ("PLAINTEXT", "SSL", "SASL_SSL", "SASL_PLAINTEXT")}
        protocols |= {"CONTROLLER": "PLAINTEXT", "MTLS": "SSL"}
        values: dict[str, str | Path] = {
            "listener.security.protocol.map": ",".join(f"{k}:{v}" for k, v in protocols.items()),
            "inter.broker.listener.name": "PLAINTEXT",
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": keystore,
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": self._ca.file,
            "listener.name.mtls.ssl.client.auth": "required",
            "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
        }
        for listener in ("sasl_ssl", "sasl_plaintext"):
            values |= {
                f"listener.name.{listener}.plain.sasl.jaas.config": _PLAIN,
                f"listener.name.{listener}.scram-sha-256.sasl.jaas.config": _SCRAM,
                f"listener.name.{listener}.scram-sha-512.sasl.jaas.config": _SCRAM,
            }
        return "\n".join([*lines, *(f"{name}={value}" for name, value in values.items()), ""])
