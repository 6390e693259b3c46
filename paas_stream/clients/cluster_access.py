"""With what a Kubernetes cluster is asked, and for what."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Access:
    """Where a cluster's API is, and how to log in."""

    url: str
    token: str = field(repr=False)
    ca: Path | None  # None: the system's authorities
    timeout_s: float  # of each call


@dataclass(frozen=True)
class Workload:
    """A Deployment of the cluster, and what is to belong to it."""

    namespace: str
    name: str
    claims: int = 0  # volumes that are mounted
    files: int = 0  # ConfigMaps and Secrets that are mounted
    has_service: bool = False
    has_ingress: bool = False
