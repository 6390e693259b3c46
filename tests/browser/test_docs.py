"""The page at `/docs` in a real headless browser on a real worker."""

import re

import pytest
from playwright.sync_api import Page, expect

from web.contract.operations import OPERATIONS

pytestmark = [pytest.mark.kafka, pytest.mark.im, pytest.mark.timeout(120)]

PHONE = {"width": 390, "height": 844}


@pytest.fixture
def docs(page: Page) -> Page:
    page.goto("/docs")
    expect(page.locator("article")).to_have_count(len(OPERATIONS))
    return page


def test_every_operation_is_shown_with_its_answers_and_a_command(docs: Page) -> None:
    for one in OPERATIONS:
        article = docs.locator(f"#{one.id}")
        expect(article.get_by_role("heading", level=3)).to_contain_text(one.path)
        expect(article.locator("pre")).to_contain_text("curl")
        for status in one.answers:
            expect(article.get_by_role("cell", name=str(status), exact=True)).to_be_visible()


def test_the_body_of_a_request_is_told_field_by_field(docs: Page) -> None:
    create = docs.locator("#createDeployment")
    expect(create.get_by_role("cell", name=re.compile(r"^template \*"))).to_be_visible()
    expect(create).to_contain_text("a failed last attempt is left in place")
    expect(create.locator("pre")).to_contain_text("-X POST")
    expect(create.locator("pre")).to_contain_text('"template":')


def test_an_operation_is_found_by_a_word(docs: Page) -> None:
    docs.get_by_label("Find an operation").fill("ranking get")
    shown = docs.locator("nav li:visible")
    expect(shown).to_have_count(1)
    shown.get_by_role("link").click()
    expect(docs).to_have_url(re.compile("#getRanking$"))


def test_it_fits_a_phone(docs: Page) -> None:
    docs.set_viewport_size(PHONE)  # type: ignore[arg-type]
    width = docs.evaluate("() => document.documentElement.scrollWidth")
    assert width <= PHONE["width"]
