"""Makes the README's pictures: incident pages as someone on call sees them.

incident.png is the demo's shop, broken for real. The others are recorded drills, replayed without a cluster.
`uv run --with pillow python docs/images/make.py` needs Chromium (`apt-get install chromium`, or `playwright install chromium`).
With names it makes only those: `… make.py RB-009.png`.
"""

from __future__ import annotations

import hashlib
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from handrail import app
from handrail.cli import replay
from handrail.drills import recording
from handrail.drills.drill import APPROVER
from handrail.drills.shop import Shop

HERE = Path(__file__).resolve().parent
TOKEN = "a token for one picture"  # it opens a server that is gone when the picture is made
PEOPLE = f"""\
people:
  - {{name: Ana Ruiz, roles: [responder, approver], token_sha256: {hashlib.sha256(TOKEN.encode()).hexdigest()}}}
"""
SECONDS = 120
SAMPLES = 4
SPEED = 4.0  # times faster than the drill was
LARGEST = 200_000  # bytes: a README is read on phones too


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One picture: of which recording, at which moment of it, on which screen."""

    file: str
    recording: str = ""  # empty: the demo's shop
    moment: str = "waiting"
    width: int = 1180
    height: int = 1000
    scale: float = 1.0
    scheme: str = "light"


PICTURES = (
    Picture(file="incident.png"),
    Picture(file="RB-004.png", recording="RB-004-throttled", height=1060),
    Picture(
        file="RB-009.png",
        recording="RB-009-replay-paused",
        width=390,
        height=844,
        scale=1.8,
        scheme="dark",
        moment="waiting",
    ),
    Picture(file="RB-012.png", recording="RB-012-selects-nothing", scheme="dark", moment="over"),
)


def main() -> None:
    """Those that are named, or all."""
    named = sys.argv[1:]
    for picture in PICTURES:
        if named and picture.recording not in named and picture.file not in named:
            continue
        if picture.recording:
            recorded(picture)
        else:
            broken(picture)
        print(f"Written: {HERE / picture.file}, {(HERE / picture.file).stat().st_size // 1000} kB")


def recorded(picture: Picture) -> None:
    """Replay a drill until the moment that is wanted, and look at its page."""
    library = app.library() / "azora"
    kept = recording.load(replay.find(picture.recording))
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "azora"
        shutil.copytree(library, folder, ignore=shutil.ignore_patterns("recordings"))
        people = (folder / "people.yaml").read_text(encoding="utf-8")
        digest = hashlib.sha256(TOKEN.encode()).hexdigest()
        people = people.replace("{name: Ana Ruiz,", f"{{name: Ana Ruiz, token_sha256: {digest},")
        (folder / "people.yaml").write_text(people, encoding="utf-8")
        with replay.running(kept, folder, state=Path(scratch) / "state", speed=SPEED) as replayed:
            photograph(picture, replayed.here.url, play(kept, replayed, until=picture.moment))


def play(kept: recording.Recording, replayed: replay.Replayed, *, until: str) -> str:
    """The incident, once its plan waits; or once the plan was approved, made, and the incident is over."""
    here, ground, clock, start = replayed.here, replayed.ground, replayed.clock, replayed.start
    posts, changed = list(kept.posts), recording.changed_after(kept)
    late = time.monotonic() + SECONDS
    while time.monotonic() < late:
        while posts and recording.is_due(posts[0][0], changed, ground.changed_at, since=start, now=clock()):
            here.desk.receive(source=kept.environment, body=posts.pop(0)[1].encode())
        for row, plan in here.store.waiting_plans():
            if row["recommended"] and plan.runbook == kept.expect["proposes"]:
                if until == "waiting":
                    return plan.incident
                here.desk.decide(plan.hash, APPROVER, yes=True, reason="as recorded")
        for incident in here.store.incidents(status="closed"):
            return f"I-{incident['number']}"
        time.sleep(0.05)
    raise SystemExit(f"{kept.fault} came to no end within {SECONDS} s.")


def broken(picture: Picture) -> None:
    """Break the demo's shop, wait for the proposal, take the picture, put all away."""
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
                photograph(picture, here.url, waiting(here))
        finally:
            shop.stop()


def waiting(here: app.Running) -> str:
    """The incident whose plan waits, once its metric makes a curve: the demo's figures have no history."""
    until = time.monotonic() + SECONDS
    while time.monotonic() < until:
        for _, plan in here.store.waiting_plans():
            if len(here.store.events(incident=plan.incident, kinds=("series",))) >= SAMPLES:
                return plan.incident
        time.sleep(0.2)
    raise SystemExit(f"No plan within {SECONDS} s.")


def photograph(picture: Picture, url: str, incident: str) -> None:
    """The page as the person on call sees it, signed in; in the 256 colours that cover most of it."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium") or shutil.which("google-chrome"),
            args=["--no-sandbox", "--disable-gpu"],
        )
        page = browser.new_page(
            viewport={"width": picture.width, "height": picture.height},
            color_scheme=picture.scheme,  # type: ignore[arg-type]  # light, dark
            device_scale_factor=picture.scale,
        )
        page.goto(f"{url}/login")
        page.get_by_label("Your token").fill(TOKEN)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(f"{url}/")
        page.goto(f"{url}/incidents/{incident}")
        page.locator("#live-plan").wait_for()
        page.screenshot(path=str(HERE / picture.file))
        browser.close()
    with Image.open(HERE / picture.file) as taken:
        few = taken.convert("RGB").quantize(256, method=Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
        few.save(HERE / picture.file, optimize=True)
    if (HERE / picture.file).stat().st_size > LARGEST:
        raise SystemExit(f"{picture.file} is over {LARGEST // 1000} kB. Make its screen smaller.")


if __name__ == "__main__":
    main()
