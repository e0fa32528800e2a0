"""The images of Azora's releases: one layer of libraries on the lab's base, one layer of code for each release.

An archive's name has the hash of what went into it, so an image is made once and imported once.
"""

import hashlib
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tool import places

GOOD = ("2.11.0", "2.12.0", "2.12.1", "2.13.0", "2.13.1")
SERVICES = places.AZORA / "services"
RELEASES = places.AZORA / "releases"
EXPORTER = places.AZORA / "database" / "exporter.py"


def versions() -> list[str]:
    return [*GOOD, *sorted(path.stem for path in RELEASES.glob("*.patch"))]


def build() -> dict[str, Path]:
    """Every image by name, with its archive."""
    libraries = library_image()
    made = {f"localhost/azora:{version}": release_image(version, libraries) for version in versions()}
    return {
        "localhost/azora-libraries:1": libraries,
        **made,
        "localhost/postgres-exporter:1": exporter_image(libraries),
    }


def archive(kind: str, *content: bytes) -> Path:
    digest = hashlib.sha256()
    for part in (Path(places.image.__file__).read_bytes(), Path(__file__).read_bytes(), *content):
        digest.update(hashlib.sha256(part).digest())
    return places.layout.images() / f"azora-{kind}-{digest.hexdigest()[:16]}.tar"


def base_digest() -> bytes:
    return places.image.encode(places.image.read(places.layout.images() / "base.tar")[2])


def install(wanted: Path, target: Path) -> None:
    """The libraries into a folder, by uv where there is one: the project's own Python has no pip."""
    own = places.LAB.parent / ".tools" / "bin" / "uv"
    uv = shutil.which("uv") or (str(own) if own.exists() else "")
    same = ["--quiet", "--only-binary=:all:", "--python-version=3.11", f"--target={target}", f"--requirement={wanted}"]
    tried = [[uv, "pip", "install", f"--python={sys.executable}", *same]] if uv else []
    for python in dict.fromkeys([sys.executable, shutil.which("python3") or "", "/usr/bin/python3"]):
        quiet = ["--no-compile", "--root-user-action=ignore", "--disable-pip-version-check"]
        tried.append([python, "-m", "pip", "install", *quiet, *same])
    said = []
    for command in tried:
        if not Path(command[0]).exists():
            continue
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return
        said.append(f"{' '.join(command[:4])}: {done.stderr.strip()[-300:]}")
    raise SystemExit("The shop's libraries could not be installed. " + " | ".join(said))


def library_image() -> Path:
    wanted = SERVICES / "requirements.txt"
    out = archive("libraries", wanted.read_bytes(), base_digest())
    if not out.exists():
        with tempfile.TemporaryDirectory() as scratch:
            install(wanted, Path(scratch) / "lib")
            places.image.make(
                "localhost/azora-libraries:1",
                out,
                base=places.layout.images() / "base.tar",
                add=[(Path(scratch) / "lib", "/opt/azora/lib")],
                env=["PYTHONPATH=/opt/azora:/opt/azora/lib", "PYTHONUNBUFFERED=1", "PYTHONDONTWRITEBYTECODE=1"],
                workdir="/opt/azora",
            )
    return out


def release_image(version: str, libraries: Path) -> Path:
    """The services' code as that release has it: the common source, changed by the release's patch if it has one."""
    source = sorted(path for path in (SERVICES / "azora").glob("*.py"))
    patch = RELEASES / f"{version}.patch"
    change = patch.read_bytes() if patch.exists() else b""
    out = archive(version, *(path.read_bytes() for path in source), change, libraries.name.encode())
    if not out.exists():
        with tempfile.TemporaryDirectory() as scratch:
            tree = Path(scratch) / "azora"
            tree.mkdir()
            for path in source:
                shutil.copy(path, tree)
            if change:
                subprocess.run(["git", "apply", str(patch)], cwd=scratch, check=True)
            told = tree / "version.py"
            told.write_text(told.read_text().replace("development", version))
            places.image.make(f"localhost/azora:{version}", out, base=libraries, add=[(tree, "/opt/azora/azora")])
    return out


def exporter_image(libraries: Path) -> Path:
    out = archive("exporter", EXPORTER.read_bytes(), libraries.name.encode())
    if not out.exists():
        places.image.make(
            "localhost/postgres-exporter:1",
            out,
            base=libraries,
            add=[(EXPORTER, "/opt/azora/exporter.py")],
            cmd=["python3", "exporter.py"],
        )
    return out
