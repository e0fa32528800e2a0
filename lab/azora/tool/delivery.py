"""The team's registry, its audit on a schedule and its pipeline as processes of the host, known by their pid files."""

import contextlib
import json
import os
import shutil
import signal
import sys

from tool import packages, places

AUDIT, PIPELINE = "azora-audit", "azora-pipeline"
AUDIT_PORT = 9116
TELLS = "HANDRAIL_LAB_AUDIT_TELLS"  # set when the lab comes up: the audit sends events beside its metric
FIXES = "fix/*"  # branches that the pipeline tests, puts on main and deploys by itself


def missing() -> str:
    """Why none of it can run here; empty where it can."""
    return "" if shutil.which("npm") else "npm is not installed: no registry, audit or pipeline of fixes, and no RB-011"


def start() -> None:
    """Begin what does not run yet; without npm nothing of it."""
    if missing():
        return
    run, here = places.run(), str(places.AZORA)
    python = [sys.executable, "-B"]
    env = {
        "KUBECONFIG": str(run / "kubeconfigs" / "admin.yaml"),
        "HANDRAIL_LAB_RUN": str(run),
        "HANDRAIL_LAB_CACHE": str(places.layout.cache().parent),
    }
    places.processes.start(
        run,
        packages.NAME,
        [*python, f"{here}/registry/serve", f"--advisories={packages.advisories()}", f"--port={packages.PORT}"],
    )
    places.processes.start(
        run,
        AUDIT,
        [
            *python,
            f"{here}/audit",
            f"--origin={places.state() / 'platform.git'}",
            f"--checkout={places.state() / 'audited'}",
            f"--registry={packages.url()}/",
            f"--port={AUDIT_PORT}",
            *(["--tell"] if os.environ.get(TELLS) else []),
        ],
        env=env,
    )
    places.processes.start(run, PIPELINE, [*python, f"{here}/pipeline", "--watch", FIXES], env=env)
    told = [{"targets": [f"127.0.0.1:{AUDIT_PORT}"], "labels": {"job": "audit", "service": "api-gateway"}}]
    (run / "targets").mkdir(exist_ok=True)
    (run / "targets" / "audit.json").write_text(json.dumps(told))


def stop() -> None:
    pause()
    places.processes.stop(places.run(), [AUDIT, packages.NAME])
    (places.run() / "targets" / "audit.json").unlink(missing_ok=True)


def pause() -> None:
    """While branches are put back nobody shall take one for a fix."""
    pid = places.processes.running(places.run(), PIPELINE)
    if pid is not None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGTERM)  # what it is deploying too
    places.processes.stop(places.run(), [PIPELINE])
