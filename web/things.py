"""What requests are about, as the policy of `paas_stream.access` sees it."""

from paas_stream.access import Thing
from paas_stream.lifecycle.deployment import DeploymentRow


def thing_of(row: DeploymentRow) -> Thing:
    """A deployment."""
    return Thing(row.issuer, row.subject, row.user_group)
