"""All routes of the REST API."""

from web import deployments, faults, health

__all__ = ["deployments", "health"]

faults.install()
