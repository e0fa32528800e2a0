"""The alerts, as `handrail rules` wrote them for the profile in force; checked by promtool before Prometheus reads them."""

import subprocess
import urllib.request
from pathlib import Path

from tool import places


def written(profile: str) -> Path:
    """The file of a profile. `handrail rules library/azora --profile NAME --out FILE` writes it anew."""
    return places.AZORA / "rules" / f"{profile}.yaml"


def install(profile: places.layout.Profile) -> Path:
    folder = places.run() / "rules"
    folder.mkdir(exist_ok=True)
    draft, out = folder / "azora.draft", folder / "azora.yaml"
    draft.write_bytes(written(profile.name).read_bytes())
    subprocess.run(["promtool", "check", "rules", str(draft)], check=True, capture_output=True)
    draft.replace(out)
    reload_prometheus()
    return out


def remove() -> None:
    (places.run() / "rules" / "azora.yaml").unlink(missing_ok=True)
    reload_prometheus()


def reload_prometheus() -> None:
    request = urllib.request.Request(f"http://{places.layout.PROMETHEUS}/-/reload", method="POST")
    try:
        urllib.request.urlopen(request, timeout=5).close()
    except OSError as e:
        raise SystemExit(
            f"Prometheus does not answer on {places.layout.PROMETHEUS}: {e}. Start the cluster first."
        ) from e
