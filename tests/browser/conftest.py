"""A real worker, and a real headless browser that looks at its page."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from support.stack import Stack

from paas_stream.settings import Settings

PATIENCE_MS = 20_000  # anything that is waited for on the page has come within this
PROGRAM = Settings().cache.dir / "browser" / "chromium"


@pytest.fixture(scope="session")
def program() -> Path:
    """The browser."""
    if not PROGRAM.exists():
        pytest.skip("there is no browser: `make browser-install` fetches one, with npm")
    return PROGRAM


@pytest.fixture(scope="module")
def stack(
    program: Path, kafka: str, im: str, clean_topics: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stack]:
    """One worker that serves the page."""
    made = Stack(kafka, im, tmp_path_factory.mktemp("page"))
    try:
        made.worker.start(PAAS_HEARTBEAT_INTERVAL_S="1")
        made.worker.wait_ready()
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def browser(program: Path, stack: Stack) -> Iterator[Browser]:
    """Chromium without a window. While it runs, this thread has an event loop: so the stack is first."""
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=program)
        yield made
        made.close()


@pytest.fixture
def complaints() -> list[str]:
    """What scripts and the page's policy complain about."""
    return []


@pytest.fixture
def page(browser: Browser, stack: Stack, complaints: list[str]) -> Iterator[Page]:
    """The page in a new window. A complaint that the test does not take away fails it."""
    context = browser.new_context(base_url=stack.worker.url)
    made = context.new_page()
    made.set_default_timeout(PATIENCE_MS)
    made.on("pageerror", lambda error: complaints.append(str(error)))
    made.on("console", lambda said: complaints.append(said.text) if _is_fault(said) else None)
    made.goto("/ui/")
    yield made
    context.close()
    assert complaints == []


def _is_fault(said: object) -> bool:
    """An answer that is an error is no fault of the page: it asks for what may not be there yet."""
    is_error = said.type == "error"  # type: ignore[attr-defined]
    return is_error and "Failed to load resource" not in said.text  # type: ignore[attr-defined]
