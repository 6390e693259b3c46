"""`paas-stream` itself: help, unknown words, and how errors are told."""

import subprocess
import sys
from collections.abc import Callable

import click
import pytest
from click.testing import Result

from paas_stream.cli.main import COMMANDS, LazyGroup, cli

Run = Callable[..., Result]

HEAVY = ["aiokafka", "faust", "pydantic", "requests", "rich", "yaml"]


def command(name: str) -> click.Command:
    found = cli.get_command(click.Context(cli), name)
    assert found is not None
    return found


def words_of_every_command() -> list[tuple[str, ...]]:
    """All commands and their subcommands."""
    found: list[tuple[str, ...]] = [()]
    for name in COMMANDS:
        one = command(name)
        found.append((name,))
        found += [(name, below) for below in getattr(one, "commands", {})]
    return found


def is_one_sentence(result: Result) -> bool:
    """Whether a fault is told in one line on stderr, with exit status 1 and nothing else."""
    told = result.stderr.startswith("paas-stream: ") and result.stderr.count("\n") == 1
    return told and result.exit_code == 1 and result.stdout == ""


@pytest.mark.parametrize("words", words_of_every_command(), ids=" ".join)
def test_every_command_has_help(run: Run, words: tuple[str, ...]) -> None:
    result = run(*words, "--help")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(f"Usage: paas-stream {' '.join(words)}".rstrip())
    about = result.stdout.split("\n\n")[1]
    assert about.strip().endswith((".", "not."))


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_says_what_the_command_says_of_itself(name: str) -> None:
    about = " ".join((command(name).help or "").split())
    assert about.startswith(COMMANDS[name].line.removesuffix("."))


def test_the_list_has_every_command_on_a_line_of_its_own(run: Run) -> None:
    _, _, listed = run("--help").stdout.partition("Commands:\n")
    assert [line.split()[0] for line in listed.splitlines()] == list(COMMANDS)


def test_help_loads_no_heavy_library() -> None:
    program = (
        "import sys; from paas_stream.cli.main import cli\n"
        "cli(['--help'], standalone_mode=False)\n"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_an_unknown_command_is_a_wrong_use(run: Run) -> None:
    result = run("deploy")
    assert result.exit_code == 2
    assert "No such command 'deploy'" in result.stderr


def test_a_service_that_is_not_there_is_one_sentence(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("urllib3.util.retry.time.sleep", lambda seconds: None)
    result = run("--url", "http://127.0.0.1:9", "list")
    assert is_one_sentence(result)
    assert result.stderr == "paas-stream: http://127.0.0.1:9 cannot be reached (ConnectionError)\n"


@pytest.mark.parametrize("words", [["list"], ["config"], ["worker"], ["up"], ["stop"]])
def test_a_wrong_setting_is_named_before_anything_is_done(run: Run, words: list[str]) -> None:
    result = run(*words, PAAS_KAFKA_PORT="abc")
    assert is_one_sentence(result)
    assert "PAAS_KAFKA_PORT" in result.stderr


def test_the_group_is_the_one_that_loads_late() -> None:
    assert isinstance(cli, LazyGroup)
    assert cli.get_command(click.Context(cli), "no-such") is None
