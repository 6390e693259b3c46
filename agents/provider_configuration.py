"""The provider files of this worker, read once."""

from functools import cache

from paas_stream.app import app
from paas_stream.selection import provider_files
from paas_stream.selection.provider_files import Federation


@cache
def federation() -> Federation:
    """What the provider files say. Raises ConfigurationError with every fault."""
    return provider_files.read(app.settings.feeder.files)
