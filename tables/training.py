"""The table of the training-data agent: rankings whose attempts are awaited."""

from paas_stream.app import app
from paas_stream.durable.tables import row_table
from paas_stream.ranking.training import TrainingRow
from tables.rows import Rows

training_rows = Rows(row_table(app, "training_rows", app.settings.stream.partitions), TrainingRow)
