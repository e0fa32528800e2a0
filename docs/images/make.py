"""Makes incident.png: the demo's shop breaks, and its incident page is photographed while a plan waits.

`uv run python docs/images/make.py` needs Chromium (`apt-get install chromium`, or `playwright install chromium`).
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

from handrail import app
from handrail.drills.shop import Shop

HERE = Path(__file__).resolve().parent
TOKEN = "a token for one picture"  # it opens a server that is gone when the picture is made
PEOPLE = f"""\
people:
  - {{name: Ana Ruiz, roles: [responder, approver], token_sha256: {hashlib.sha256(TOKEN.encode()).hexdigest()}}}
"""
SIZE = {"width": 1180, "height": 1000}
SECONDS = 120
SAMPLES = 4


def main() -> None:
    """Break it, wait for the proposal, take the picture, put all away."""
    demo = app.library() / "demo"
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "demo"
        shutil.copytree(demo, folder, ignore=shutil.ignore_patterns("shop"))
        (folder / "people.yaml").write_text(PEOPLE, encoding="utf-8")
        (folder / "schedule.yaml").write_text("rotation: [Ana Ruiz]\n", encoding="utf-8")
        settings = (folder / "handrail.yaml").read_text(encoding="utf-8")
        if "schedule:" not in settings:
            (folder / "handrail.yaml").write_text(f"{settings}schedule: schedule.yaml\n", encoding="utf-8")
        shop = Shop(demo / "shop", Path(scratch) / "shop")
        try:
            shop.start()
            with app.running(folder, state=Path(scratch) / "state", port=0) as here:
                shop.watch(f"{here.url}/api/v1/hooks/alertmanager/demo", here.hook_token)
                shop.release("blue", "1_5_0")
                photograph(f"{here.url}", waiting(here))
        finally:
            shop.stop()
    print(f"Written: {HERE / 'incident.png'}")


def waiting(here: app.Running) -> str:
    """The incident whose plan waits, once its metric makes a curve: the demo's figures have no history."""
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        for _, plan in here.store.waiting_plans():
            if len(here.store.events(incident=plan.incident, kinds=("series",))) >= SAMPLES:
                return plan.incident
        time.sleep(0.2)
    raise SystemExit(f"No plan within {SECONDS} s.")


def photograph(url: str, incident: str) -> None:
    """The page as the person on call sees it, signed in."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium") or shutil.which("google-chrome"),
            args=["--no-sandbox", "--disable-gpu"],
        )
        page = browser.new_page(viewport=SIZE, color_scheme="light", device_scale_factor=1.5)  # type: ignore[arg-type]
        page.goto(f"{url}/login")
        page.get_by_label("Your token").fill(TOKEN)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"{url}/")
        page.goto(f"{url}/incidents/{incident}")
        page.get_by_role("button", name="Approve").first.wait_for()
        page.screenshot(path=str(HERE / "incident.png"))
        browser.close()


if __name__ == "__main__":
    main()
