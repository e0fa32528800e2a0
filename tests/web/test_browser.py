"""The incident page in a real browser: nothing moves under a thumb, and all works without JavaScript."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.web import seed
from tests.web.looking import CONTRAST, PHONE
from tests.web.serving import served
from tests.web.site import NOW, Site, site

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def signed_in(context: BrowserContext, base: str) -> Page:
    """A page whose person is Ana; anything that the browser complains about fails the test."""
    page = context.new_page()
    page.on("pageerror", lambda error: pytest.fail(f"script error: {error}"))
    page.goto(f"{base}/login")
    page.get_by_label("Your token").fill("ana-token")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{base}/")
    return page


@pytest.mark.parametrize("javascript", [True, False])
def test_a_yes_can_be_given_with_and_without_javascript(tmp_path: Path, browser: Browser, javascript: bool) -> None:
    here = site(tmp_path)
    incident, _, plan = here.waiting()
    with served(here.app) as base:
        context = browser.new_context(java_script_enabled=javascript)
        page = signed_in(context, base)
        page.goto(f"{base}/incidents/{incident}")
        page.locator("#live-plan").get_by_role("button", name="Approve: roll api-gateway back to revision 7").click()
        page.wait_for_url(f"{base}/incidents/{incident}")
        context.close()
    assert here.desk.asked[-1] == ("decide", "Ana Ruiz", (plan.hash, True, ""))


def test_on_a_phone_the_buttons_stay_and_nothing_is_wider_than_the_screen(tmp_path: Path, browser: Browser) -> None:
    here = site(tmp_path)
    incident, _, _ = here.waiting()
    with served(here.app) as base:
        context = browser.new_context(viewport=PHONE, color_scheme="dark")
        page = signed_in(context, base)
        page.goto(f"{base}/incidents/{incident}")
        button = page.locator("#live-bar").get_by_role("button", name="Approve")
        before = button.bounding_box()
        page.mouse.wheel(0, 2000)
        page.wait_for_timeout(200)
        assert button.bounding_box() == before
        assert before is not None
        assert before["height"] >= 44
        for path in (
            "/",
            f"/incidents/{incident}",
            "/runbooks",
            "/runbooks/RB-002",
            "/approvals",
            "/oncall",
            "/status",
        ):
            page.goto(f"{base}{path}")
            assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], path
        context.close()


def test_on_a_phone_both_answers_to_an_unknown_outcome_can_be_given(tmp_path: Path, browser: Browser) -> None:
    """Only the button that the fixed bar repeats is left out of the page's flow."""
    here = site(tmp_path)
    incident = seed.unknown(here.seeder)
    here.clock.now = NOW
    with served(here.app) as base:
        context = browser.new_context(viewport=PHONE)
        page = signed_in(context, base)
        page.goto(f"{base}/incidents/{incident}")
        for name in ("It happened", "It did not happen"):
            assert page.get_by_role("button", name=name, exact=True).is_visible()
        context.close()


def replaced(here: Site) -> None:
    """The waiting plan becomes void and another one takes its place."""
    rows = [(row, plan) for row, plan in here.store.waiting_plans()]
    for row, _ in rows:
        here.store.set_plan(row["hash"], was=("waiting",), state="void", reason="api-gateway moved")
    other = dataclasses.replace(
        rows[0][1], title="Roll api-gateway back to revision 6", made_at=NOW + timedelta(seconds=9)
    )
    here.store.propose([(other, True)])
    here.store.append("plan_proposed", {"plan": other.hash, "title": other.title}, incident=other.incident)


def test_a_replaced_plan_turns_the_button_off_where_it_is_and_says_why(tmp_path: Path, browser: Browser) -> None:
    """The button never comes to mean another hash than the one that was read."""
    here = site(tmp_path)
    incident, _, plan = here.waiting()
    with served(here.app) as base:
        context = browser.new_context(viewport=PHONE)
        page = signed_in(context, base)
        page.goto(f"{base}/incidents/{incident}")
        page.wait_for_timeout(900)
        for place in ("#live-bar", "#live-plan"):
            assert page.locator(f"{place} button.go").first.is_enabled()
        before = page.locator("#live-bar button.go").bounding_box()
        replaced(here)
        page.locator("#live-bar .swapped").wait_for(state="visible", timeout=5000)
        button = page.locator("#live-bar button.go")
        assert button.is_disabled()
        assert "revision 7" in button.inner_text()
        after = button.bounding_box()
        assert before
        assert after
        assert (before["x"], before["width"]) == (after["x"], after["width"])
        assert "was replaced while you read" in page.locator("#live-plan .swapped").inner_text()
        assert plan.hash in (page.locator("#live-plan").get_attribute("data-asks") or "")
        page.locator("#live-bar .swapped a").click()
        page.get_by_text("Roll api-gateway back to revision 6").first.wait_for()
        context.close()
    assert here.desk.asked == []


def test_the_timeline_grows_and_what_is_folded_open_stays_open(tmp_path: Path, browser: Browser) -> None:
    here = site(tmp_path)
    incident, run, _ = here.waiting()
    with served(here.app) as base:
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        page = signed_in(context, base)
        page.goto(f"{base}/incidents/{incident}")
        page.wait_for_timeout(900)
        folded = page.locator(f"#o-{run.lower()}-rb-002-1-1")
        folded.locator("summary").click()
        before = folded.bounding_box()
        here.seeder.look(incident, run, "RB-002.6.2", "npm run health-check", "all healthy")
        page.get_by_text("all healthy").first.wait_for(timeout=5000)
        assert folded.get_attribute("open") is not None
        assert folded.bounding_box() == before  # a finding came in above, and the reader stays where they were
        page.evaluate("scrollTo({top: 0, behavior: 'instant'})")
        button = page.locator("#live-plan button.go").first
        before = button.bounding_box()
        here.store.append("message", {"person": "Rui Costa", "title": "Look"}, incident=incident)
        page.get_by_text("Told Rui Costa.").first.wait_for(timeout=5000)
        assert button.bounding_box() == before
        assert page.locator("#spoken").inner_text() != ""
        context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_has_contrast_enough(tmp_path: Path, browser: Browser, scheme: str) -> None:
    """4.5 to 1 for text of every size, in both schemes (WCAG AA)."""
    here = site(tmp_path)
    names = seed.full(here.store, here.clock, NOW)
    here.clock.now = NOW
    with served(here.app) as base:
        context = browser.new_context(color_scheme=scheme)  # type: ignore[arg-type]  # one of its two words
        page = signed_in(context, base)
        paths = ["/", "/runbooks", "/oncall", *(f"/incidents/{name}" for name in names.values())]
        for path in paths:
            page.goto(f"{base}{path}")
            assert page.evaluate(CONTRAST) == [], path
        context.close()
