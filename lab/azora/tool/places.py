"""Where the sample system's things are, beside those of the cluster it runs in."""

import os
import sys
from pathlib import Path

AZORA = Path(__file__).resolve().parent.parent
LAB = AZORA.parent
sys.path.insert(0, str(LAB / "cluster"))

# The cluster's scripts are not a package: their folder comes first.
import image as image  # noqa: E402
import layout as layout  # noqa: E402
import processes as processes  # noqa: E402

NAMESPACE = "production"
RELEASE = "azora-prod"
GATEWAY_URL = f"http://{layout.GATEWAY}:30080"


def run() -> Path:
    return layout.run()


def state() -> Path:
    """What the sample system keeps while it is up: repository, secrets, baseline, traffic."""
    return run() / "azora"


def kubeconfig() -> Path:
    return Path(os.environ.get("KUBECONFIG") or run() / "kubeconfigs/admin.yaml")
