"""The alerts, with the figures of the lab's profile; checked by promtool before Prometheus reads them."""

import re
import subprocess
import urllib.request
from pathlib import Path

from tool import places


def install(profile: places.layout.Profile) -> Path:
    folder = places.run() / "rules"
    folder.mkdir(exist_ok=True)
    draft, out = folder / "azora.draft", folder / "azora.yaml"
    draft.write_text(render((places.AZORA / "rules.yaml").read_text(), profile))
    subprocess.run(["promtool", "check", "rules", str(draft)], check=True, capture_output=True)
    draft.replace(out)
    reload_prometheus()
    return out


def render(text: str, profile: places.layout.Profile) -> str:
    text = text[text.index("groups:") :]  # the head explains the marks that are gone then
    return re.sub(r"@(\w+)@", lambda mark: profile[mark[1]], text)


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
