"""Records a course that is played in a small town, and replays it or one of the lab's; prints what went otherwise.

    python -m tests.drills.coursing record FOLDER
    python -m tests.drills.coursing replay FOLDER SPEED [MUTATION]
    python -m tests.drills.coursing lab COURSE SPEED [MUTATION]

A mutation is `answer`, one planted in what people do, or one of `tests.drills.replaying`: one planted in the binding. A
course of the lab's is held to what its file expects now.
"""

from __future__ import annotations

import dataclasses
import shutil
import sys
import tempfile
import threading
from pathlib import Path

from handrail import app
from handrail.cli import drill, replay
from handrail.drills import course, recording
from handrail.drills import script as scripts
from handrail.drills.drill import APPROVER
from handrail.drills.recording import Recording, RecordingGround
from tests.drills import replaying
from tests.drills.town import COURSE, Town, library


def record(folder: Path) -> list[str]:
    """Play it for real, as a drill does, and keep it."""
    settings, script, town = library(folder / "town"), scripts.read(COURSE, path="town"), Town()
    ground = RecordingGround(town, clock=app.now)
    with app.running(
        settings, state=folder / "state", port=0, drill=True, grounds=lambda known, masker: {"town": ground}
    ) as here:

        def moved(number: int, act: scripts.Act) -> None:
            with ground.moves(scripts.moment(number)):
                town.moves(number, act)

        over = threading.Event()

        def monitored() -> None:
            while not over.wait(0.2):
                town.watches(lambda: here.desk)

        monitor = threading.Thread(target=monitored)
        monitor.start()
        cast = scripts.Cast(store=here.store, desk=here.desk, approver=APPROVER, world=moved, say=print)
        problems = scripts.play(script, cast)
        over.set()
        monitor.join()
        taken = course.of_all(here.store, injected_at=None)
        kept = drill.recorded_course(
            script, taken, ended=app.now(), here=here, ground=ground, environment="town", profile="town"
        )
        recording.save(kept, folder / "bad-morning.json.gz", mask=here.masker.mask)
    print("\n".join(taken.lines))
    return problems


def mutated(kept: Recording, mutation: str, binding: Path) -> Recording:
    """One mistake is planted: the first proposal that a person answered is answered otherwise, or one in the binding."""
    if mutation != "answer":
        return replaying.mutated(kept, mutation, binding)
    acts = [dict(act) for act in kept.script["acts"]]
    first = next(act for act in acts if act["do"] in ("approve", "refuse"))
    first["do"] = "refuse" if first["do"] == "approve" else "approve"
    return dataclasses.replace(kept, script={**kept.script, "acts": acts})


def replayed(kept: Recording, settings: Path, binding: Path, *, expects: scripts.Script | None) -> list[str]:
    """What went otherwise than expected, or than recorded."""
    if len(sys.argv) > 4:
        kept = mutated(kept, sys.argv[4], binding)
    taken: list[course.Course] = []
    problems = replay.check_course(
        kept, speed=float(sys.argv[3]), say=print, config=settings, expects=expects, taken=taken.append
    )
    if expects is None and taken[0].lines != kept.course:
        problems.append(f"the course was {'; '.join(taken[0].lines)}; recorded was {'; '.join(kept.course)}")
    return problems


def main() -> None:
    """Exit 0 where the course went as its script expects, and the replay as the recording."""
    match sys.argv[1], Path(sys.argv[2]):
        case "record", folder:
            problems = record(folder)
        case "replay", folder:
            kept = recording.load_to_play(folder / "bad-morning.json.gz")
            with tempfile.TemporaryDirectory(prefix="handrail-mutation-") as scratch:
                settings = library(Path(scratch))
                problems = replayed(kept, settings, settings.with_name("town.binding.yaml"), expects=None)
        case _, name:
            kept = recording.load_to_play(replay.find(str(name)))
            told = app.library().parent / "lab" / "courses" / f"{name}.yaml"
            expects = scripts.read(told.read_text(encoding="utf-8"), path=str(told))
            with tempfile.TemporaryDirectory(prefix="handrail-mutation-") as scratch:
                settings = Path(scratch) / kept.settings
                shutil.copytree((app.library() / kept.settings).parent, settings.parent)
                problems = replayed(kept, settings, settings.with_name("azora.binding.yaml"), expects=expects)
    print("\n".join(problems) or "as expected")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
