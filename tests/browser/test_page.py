"""The page at `/ui/`, as a person uses it, in a real headless browser on a real worker."""

import re

import pytest
from playwright.sync_api import Page, expect
from support.stack import Stack

pytestmark = [pytest.mark.kafka, pytest.mark.im, pytest.mark.timeout(120)]

HOSTILE = "<img src=x onerror=hacked=1><script>hacked=1</script>"
SETTLED_MS = 30_000
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def deployed(stack: Stack) -> str:
    """A machine that runs."""
    uuid = stack.submit()
    stack.settled(uuid)
    return uuid


def fill(page: Page, template: str, group: str = "demo") -> None:
    page.get_by_text("New deployment").click()
    page.get_by_label("TOSCA template").fill(template)
    page.get_by_label("User group").fill(group)


def is_hacked(page: Page) -> bool:
    return bool(page.evaluate("() => 'hacked' in window"))


def test_a_template_is_deployed_watched_live_and_deleted(page: Page, stack: Stack) -> None:
    fill(page, stack.example("vm"))
    page.get_by_role("button", name="Deploy").click()
    detail, timeline = page.locator("#detail"), page.locator("#timeline")
    expect(timeline.get_by_text("the request was accepted")).to_be_visible()
    expect(detail.get_by_text("CREATE_COMPLETE")).to_be_visible(timeout=SETTLED_MS)
    expect(timeline.get_by_text(re.compile("complete at"))).to_be_visible()
    expect(page.locator("#outputs")).to_contain_text("10.0.0.1")
    expect(detail.get_by_role("heading", name="Providers tried")).to_be_visible()
    expect(detail.get_by_role("heading", name="Ranking")).to_be_visible()
    uuid = page.url.rpartition("/")[2]
    line = page.locator(f"#deployments tr[data-uuid='{uuid}']")
    expect(line).to_contain_text("CREATE_COMPLETE")
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Delete").click()
    expect(detail.get_by_text("DELETE_COMPLETE")).to_be_visible(timeout=SETTLED_MS)
    expect(timeline.get_by_text("nothing more will come: deleted")).to_be_visible()
    expect(line).to_have_count(0)
    page.get_by_label("show deleted").check()
    expect(line).to_contain_text("DELETE_COMPLETE")


def test_a_dry_run_says_who_would_host_it_and_deploys_nothing(page: Page, stack: Stack) -> None:
    before = len(list(stack.client.deployments()))
    fill(page, stack.example("vm"))
    page.get_by_role("button", name="Dry run").click()
    expect(page.locator("#answer")).to_contain_text("The template is valid")
    expect(
        page.locator("#answer").get_by_role("row", name=re.compile("site-a")).first
    ).to_be_visible()
    assert len(list(stack.client.deployments())) == before


def test_who_cannot_host_it_is_told_with_the_rules_code_and_a_sentence(
    page: Page, stack: Stack
) -> None:
    fill(page, stack.example("vm"), "demo-expired")
    page.get_by_role("button", name="Dry run").click()
    line = page.locator("#answer").get_by_role("row", name=re.compile("sla_expired"))
    expect(line).to_contain_text("site-a")
    expect(line).to_contain_text("2024-12-31")


def test_faults_of_a_template_are_listed_as_text(page: Page) -> None:
    nodes = f'{{node_templates: {{one: {{type: "{HOSTILE}"}}}}}}'
    fill(page, f"tosca_definitions_version: tosca_simple_yaml_1_0\ntopology_template: {nodes}\n")
    page.get_by_role("button", name="Deploy").click()
    expect(page.locator("#answer .faults li").first).to_be_visible()
    expect(page.locator("#answer")).to_contain_text("<img src=x")
    assert page.locator("#answer img").count() == 0
    assert not is_hacked(page)


def test_what_users_wrote_is_shown_as_text_and_never_run(page: Page, stack: Stack) -> None:
    uuid = stack.submit(group=HOSTILE)
    stack.settled(uuid)
    line = page.locator(f"#deployments tr[data-uuid='{uuid}']")
    expect(line).to_contain_text(HOSTILE)
    line.get_by_role("link").click()
    expect(page.locator("#detail dl")).to_contain_text(HOSTILE)
    expect(page.locator("#detail").get_by_text("CREATE_FAILED")).to_be_visible()
    expect(page.locator("#timeline").get_by_text("failed").first).to_be_visible()
    assert page.locator("main img, main script").count() == 0
    assert not is_hacked(page)


def test_an_inline_script_would_not_run_here(page: Page, complaints: list[str]) -> None:
    page.evaluate(
        """() => {
            const script = document.createElement("script");
            script.textContent = "hacked = 1";
            document.body.append(script);
        }"""
    )
    assert not is_hacked(page)
    assert "Content Security Policy" in complaints.pop()


def test_it_can_be_used_by_keyboard_alone(page: Page, deployed: str) -> None:
    link = page.locator(f"#deployments tr[data-uuid='{deployed}'] a")
    link.wait_for()
    for _ in range(60):
        page.keyboard.press("Tab")
        if link.evaluate("(one) => one === document.activeElement"):
            break
    page.keyboard.press("Enter")
    expect(page.locator("#detail-title")).to_be_focused()
    expect(page.locator("#detail")).to_contain_text(deployed)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#detail")).to_be_hidden()


def test_the_components_say_how_they_are(page: Page) -> None:
    health = page.locator("#health")
    expect(health).to_have_text(re.compile(r"(\d+) of \1 components alive"))
    health.click()
    line = page.locator("#detail tr", has_text="im-dispatcher")
    expect(line).to_contain_text("worker-0")
    expect(line).to_contain_text("alive")


def test_a_deployment_that_does_not_exist_is_said_to_be_none(page: Page) -> None:
    page.goto("/ui/#/deployments/00000000-0000-4000-8000-000000000000")
    expect(page.get_by_role("alert").get_by_text("there is no deployment")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_a_phone_and_can_be_read(page: Page, deployed: str, scheme: str) -> None:
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(f"/ui/#/deployments/{deployed}")
    expect(page.locator("#timeline").get_by_text(re.compile("complete at"))).to_be_visible()
    width = page.evaluate("() => document.documentElement.scrollWidth")
    assert width <= PHONE["width"]
    colours = page.evaluate(
        "() => [getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor]"
    )
    ink, paper = (sum(map(int, re.findall(r"\d+", one)[:3])) for one in colours)
    assert (ink < paper) is (scheme == "light")
    assert abs(ink - paper) > 400
