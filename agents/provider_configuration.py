"""The provider files of this worker, read once."""

from typing import Final

from paas_stream.app import app
from paas_stream.selection import provider_files

federation: Final = provider_files.read(app.settings.feeder.files)
