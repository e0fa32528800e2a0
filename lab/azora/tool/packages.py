"""The team's own package registry: its packages as folders of the repository, its advisories as one file.

A package's archive is the same bytes everywhere (no time, no owner, stored instead of packed), so a lock file's hashes
hold on every machine.
"""

import base64
import hashlib
import io
import json
import struct
import tarfile
import zlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from tool import places

FOLDER = places.AZORA / "registry"
NAME, PORT = "azora-registry", 4873


def url() -> str:
    return f"http://127.0.0.1:{PORT}"


def advisories() -> Path:
    """What is published now: package to advisories, as the registry answers."""
    return places.state() / "advisories.json"


def published(file: Path) -> dict[str, list[dict[str, Any]]]:
    """Empty where nothing was published; a file that is no such list is the registry's trouble, and told as nonsense."""
    try:
        found: dict[str, list[dict[str, Any]]] = json.loads(file.read_text())
    except FileNotFoundError:
        return {}
    return found


def publish(name: str, file: Path) -> None:
    """Make the advisory of a package known, beside those that are."""
    told = json.loads((FOLDER / "advisories" / f"{name}.json").read_text())
    replace(file, published(file) | told)


def withdraw(file: Path) -> bool:
    """No advisory is known any more; whether there was one."""
    there = file.exists() and published(file) != {}
    replace(file, {})
    return there


def replace(file: Path, told: Mapping[str, Any]) -> None:
    draft = file.with_suffix(".draft")
    draft.write_text(json.dumps(told, indent=2))
    draft.replace(file)


def versions(name: str) -> list[str]:
    """Oldest first; empty where there is no such package."""
    if "/" in name or name.startswith(".") or not (FOLDER / "packages" / name).is_dir():
        return []
    found = [path.name for path in (FOLDER / "packages" / name).iterdir() if path.is_dir()]
    return sorted(found, key=lambda version: [int(part) for part in version.split(".")])


@cache
def archive(name: str, version: str) -> bytes:
    folder, packed = FOLDER / "packages" / name / version, io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as out:
        for path in sorted(folder.iterdir()):
            about = tarfile.TarInfo(f"package/{path.name}")
            about.size, about.mode = path.stat().st_size, 0o644
            out.addfile(about, io.BytesIO(path.read_bytes()))
    data = packed.getvalue()
    stored = b"\x01" + struct.pack("<HH", len(data), len(data) ^ 0xFFFF) + data  # one block, as it is
    return b"\x1f\x8b\x08" + bytes(6) + b"\xff" + stored + struct.pack("<II", zlib.crc32(data), len(data))


def integrity(name: str, version: str) -> str:
    return "sha512-" + base64.b64encode(hashlib.sha512(archive(name, version)).digest()).decode()


def described(name: str, address: str) -> dict[str, Any]:
    """What a registry says of a package: every version with where its archive is."""
    every = {}
    for version in versions(name):
        about = json.loads((FOLDER / "packages" / name / version / "package.json").read_text())
        data = archive(name, version)
        dist = {
            "tarball": f"{address}/{name}/-/{name}-{version}.tgz",
            "integrity": integrity(name, version),
            "shasum": hashlib.sha1(data, usedforsecurity=False).hexdigest(),
        }
        every[version] = {**about, "dist": dist}
    return {"name": name, "dist-tags": {"latest": versions(name)[-1]}, "versions": every}


def heard(asked: Mapping[str, list[str]], known: Mapping[str, Any]) -> dict[str, Any]:
    """The advisories of the packages that are asked for; whether a version is one of them, npm finds out itself."""
    return {name: known[name] for name in asked if name in known}
