"""The pages of all thirteen runbooks as their drills were: where a plan waits, and when it is over.

Every page is looked at in light, in dark and on a phone, and is left open while the change is made: it goes on by itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, Response, ViewportSize

from handrail.evidence import Kind
from handrail.incidents import showing
from tests.web.looking import CONTRAST, PHONE
from tests.web.recorded import TOKEN, Standing, standing

pytestmark = [pytest.mark.browser, pytest.mark.slow]
DRILLS = Path(__file__).resolve().parents[2] / "lab" / "drills.yaml"
THIRTEEN = yaml.safe_load(DRILLS.read_text(encoding="utf-8"))["thirteen"]
SPEED = 16.0
DESK: ViewportSize = {"width": 1280, "height": 900}
SCREENS = (("light", DESK), ("dark", DESK), ("light", PHONE), ("dark", PHONE))

# what is wider than the screen and is in nothing that scrolls; and preformatted text that is cut instead of wrapped
WIDE = """() => {
  const scrolls = (el) => { for (; el; el = el.parentElement) if (/auto|scroll|hidden/.test(getComputedStyle(el).overflowX) && el !== document.documentElement) return true; };
  const told = (el) => `${el.tagName}.${el.className.baseVal ?? el.className}: ${el.textContent.trim().slice(0, 40)}`;
  const wide = [...document.querySelectorAll("main *, .bar *")].filter((el) => el.getClientRects().length && el.getBoundingClientRect().right > innerWidth + 1 && !scrolls(el)).map(told);
  const cut = [...document.querySelectorAll("pre")].filter((el) => el.getClientRects().length && el.scrollWidth > el.clientWidth + 1).map(told);
  const page = document.documentElement.scrollWidth > innerWidth ? [`the page is ${document.documentElement.scrollWidth} px wide`] : [];
  return [...page, ...wide, ...cut];
}"""
OPEN = """() => { for (const d of document.querySelectorAll("details")) d.open = true; }"""
# an effect without a word beside it; and a reason that the proposal says twice
BARE = """() => {
  const bare = [...document.querySelectorAll(".cmd .says")].filter((p) => [...p.children].every((c) => c.matches(".tag"))).map((p) => `${p.closest(".cmd").id} says nothing`);
  const sentences = (el) => el.textContent.split(/\\.\\s/).map((t) => t.trim().replace(/\\.$/, ""));
  const facts = document.querySelector("#live-plan > .facts")?.textContent ?? "";
  const again = [...document.querySelectorAll("#live-plan > .because")].flatMap(sentences).filter((t) => t.length > 40 && facts.includes(t));
  return [...bare, ...again.map((t) => `said twice: ${t}`)];
}"""
TABLES = """() => [...document.querySelectorAll("#live-runs table")].map((t) => [t.parentElement.getAttribute("aria-label").replace("Output of ", ""), t.rows.length - 1])"""


@dataclass
class Complaints:
    """What the browser said that it should not have to say."""

    said: list[str] = field(default_factory=list)

    def listen(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.said.append(f"script error: {error}"))
        page.on("console", self._console)
        page.on("requestfailed", self._failed)
        page.on("response", self._answered)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.said.append(f"console {message.type}: {message.text}")

    def _failed(self, request: Request) -> None:
        if not request.url.endswith("/stream"):  # the page itself ends its stream when the incident is over
            self.said.append(f"{request.method} {request.url} failed: {request.failure}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400:
            self.said.append(f"{response.status} for {response.url}")


def signed_in(context: BrowserContext, url: str) -> Page:
    """A page whose person is Ana."""
    page = context.new_page()
    page.goto(f"{url}/login")
    page.get_by_label("Your token").fill(TOKEN)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{url}/")
    return page


def looks_well(page: Page, moment: str) -> list[str]:
    """What is wrong with how a page looks, on every screen, as it comes and with all of it unfolded."""
    wrong: list[str] = []
    for unfolded in (False, True):
        if unfolded:
            page.evaluate(OPEN)
        wrong += [f"{moment}: {one}" for one in page.evaluate(BARE)]
        for scheme, screen in SCREENS:
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # one of its two words
            page.set_viewport_size(screen)
            for what, script in (("wide", WIDE), ("weak", CONTRAST)):
                wrong += [f"{moment}, {scheme} at {screen['width']} px, {what}: {one}" for one in page.evaluate(script)]
            shown = page.locator(".chart:visible svg")
            if shown.count() != 1:
                wrong.append(f"{moment}, {scheme} at {screen['width']} px: {shown.count()} charts")
    return wrong


def tables(here: Standing, incident: str) -> list[list[object]]:
    """The looks of an incident that answered with rows, and how many of them a page shows."""
    store = here.replayed.here.store
    newest = {
        item.command: item for run in store.runs(incident=incident) for item in store.evidence_of(f"R-{run['number']}")
    }
    shown = [(item, showing.show(item).table) for item in newest.values() if ":" not in item.command]
    assert all(table is not None for item, table in shown if item.kind is Kind.TABLE)
    return [[item.command, len(table.rows)] for item, table in shown if table is not None]


@pytest.mark.parametrize("name", THIRTEEN.values())
def test_the_page_of_a_drill_can_be_read_while_its_plan_waits_and_when_it_is_over(
    tmp_path: Path, browser: Browser, name: str
) -> None:
    """No sideways scroll, ink that stands out, the metric with its change, tables as tables, nothing in the console."""
    with standing(name, tmp_path, speed=SPEED) as here:
        context = browser.new_context(viewport=DESK)
        page, complaints = signed_in(context, here.url), Complaints()
        complaints.listen(page)

        incident = here.waits()
        page.goto(f"{here.url}/incidents/{incident}")
        assert page.locator("#live-plan button.go").first.is_enabled()
        page.locator(".chart.wide svg").wait_for(timeout=30_000)
        assert page.locator("#live-plan .because").first.inner_text().endswith(".")
        assert page.locator(".chart.wide .mark.changes").count() == 0
        assert page.locator("#live-runs section").first.locator(".steps > li > .mark.wait").count() == 1
        assert "\n".join(looks_well(page, "a plan waits")) == ""
        page.set_viewport_size(DESK)
        headline = page.locator("h1").inner_text()

        assert here.over() == incident
        page.locator("#plan-title", has_text="Healed").wait_for(timeout=30_000)  # it was told, and shows how it ended
        assert page.locator(".tags a").first.inner_text() == here.kept.expect["proposes"]
        assert page.locator("h1").inner_text() == headline, "another run came to lead when the change was made"
        for drawn in (".chart.wide", ".chart.narrow"):
            assert page.locator(f"{drawn} .curve").get_attribute("d")
            for mark, told in (("bad", "alert"), ("changes", "change"), ("good", "healed")):
                assert page.locator(f"{drawn} path.mark.{mark}").count() == 1, (drawn, mark)
                assert page.locator(f"{drawn} text.{mark}", has_text=told).count() == 1, (drawn, told)
        assert "\n".join(looks_well(page, "it is over")) == ""
        shown = page.evaluate(TABLES)
        assert [one for one in tables(here, incident) if one not in shown] == []
        assert "\n".join(complaints.said) == ""
        context.close()
