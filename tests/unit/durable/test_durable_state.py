"""Local tables are kept after a clean stop only, and belong to one process."""

from pathlib import Path

import pytest

from paas_stream.durable.state import MARK, LocalTables
from paas_stream.errors import StartRefusedError


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    made = tmp_path / "v1" / "tables"
    made.mkdir(parents=True)
    (made / "rows-0.db").touch()
    return made


def local(tables: Path) -> LocalTables:
    return LocalTables(tables.parents[1], tables)


def test_tables_are_kept_after_a_clean_stop(tables: Path) -> None:
    first = local(tables)
    assert not first.open()
    first.close()
    assert not local(tables).open()
    assert (tables / "rows-0.db").exists()


def test_tables_are_wiped_when_the_mark_was_left(tables: Path) -> None:
    (tables.parents[1] / MARK).touch()
    assert local(tables).open()
    assert not tables.exists()


def test_a_mark_without_tables_is_no_wipe(tmp_path: Path) -> None:
    (tmp_path / MARK).touch()
    assert not LocalTables(tmp_path, tmp_path / "tables").open()


def test_a_first_start_makes_its_directory(tmp_path: Path) -> None:
    assert not LocalTables(tmp_path / "new", tmp_path / "new" / "tables").open()
    assert (tmp_path / "new" / MARK).exists()


def test_a_second_worker_is_refused_and_wipes_nothing(tables: Path) -> None:
    first = local(tables)
    first.open()
    with pytest.raises(StartRefusedError, match="another worker uses"):
        local(tables).open()
    assert (tables / "rows-0.db").exists()
    first.close()


def test_closing_what_was_never_opened_does_nothing(tables: Path) -> None:
    (tables.parents[1] / MARK).touch()
    local(tables).close()
    assert (tables.parents[1] / MARK).exists()
