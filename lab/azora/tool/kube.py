"""kubectl and helm, as whoever the kubeconfig says."""

import json
import os
import subprocess
from typing import Any

from tool import places


class Failed(Exception):
    """A program said no."""


def call(*words: str, text: str | None = None, cwd: str | None = None, check: bool = True) -> str:
    env = dict(os.environ, KUBECONFIG=str(places.kubeconfig()), PATH=f"{places.layout.binaries()}:{os.environ['PATH']}")
    done = subprocess.run(words, input=text, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    if check and done.returncode != 0:
        raise Failed(f"{' '.join(words)}: exit {done.returncode}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def kubectl(*words: str, text: str | None = None, check: bool = True) -> str:
    return call("kubectl", "--namespace", places.NAMESPACE, *words, text=text, check=check)


def get(*words: str) -> Any:
    return json.loads(kubectl("get", *words, "--output=json"))


def items(*words: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = get(*words)["items"]
    return found


def psql(statement: str, *, database: str = "postgres", pod: str = "postgres-0") -> str:
    """As the superuser, inside the database's own pod: gets in whatever the application has used up."""
    return kubectl(
        "exec",
        "--stdin",
        pod,
        "--",
        "psql",
        "--username=postgres",
        f"--dbname={database}",
        "--no-psqlrc",
        "--quiet",
        "--tuples-only",
        "--no-align",
        "--set=ON_ERROR_STOP=1",
        "--file=-",
        text=statement,
    ).strip()
