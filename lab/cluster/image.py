#!/usr/bin/env python3
"""Makes container images as OCI archives: a base from a root file system, others by one layer on a base.

    image.py localhost/azora/api-gateway:1 --base base --add services:/app --cmd 'python3 -m gateway' gateway.tar

`--base base` is the lab's own base image. A layer's bytes depend on the files' names, modes and contents alone, so the
same files give the same digest and are stored once. By default the archive holds only the new layer: containerd finds
the base's layers by digest, the base image having been imported before. `--whole` puts them in.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import shlex
import sys
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

import layout

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
SKIPPED = {"__pycache__", ".git", ".pytest_cache", ".mypy_cache", ".ruff_cache"}
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("name", help="the image's full name, such as localhost/azora/catalog:2")
    parser.add_argument("out", type=Path, help="the archive to write")
    parser.add_argument("--base", default="base", help="archive to build on; `base` is the lab's, `none` is nothing")
    parser.add_argument(
        "--add", action="append", default=[], metavar="PATH:/DEST", help="a folder's content, or a file"
    )
    parser.add_argument("--rootfs", type=Path, help="a whole root file system, kept as it is (owners, links)")
    parser.add_argument("--cmd", default="", help="what a container runs, one shell-quoted string")
    parser.add_argument("--env", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--user", default="", help="user (and group) that a container runs as")
    parser.add_argument("--workdir", default="")
    parser.add_argument("--whole", action="store_true", help="put the base's layers into the archive too")
    given = parser.parse_args(arguments)
    base = layout.images() / "base.tar" if given.base == "base" else Path(given.base)
    make(
        given.name,
        given.out,
        base=None if given.base == "none" else base,
        add=[(Path(source), dest) for source, _, dest in (text.rpartition(":") for text in given.add)],
        rootfs=given.rootfs,
        cmd=shlex.split(given.cmd),
        env=given.env,
        user=given.user,
        workdir=given.workdir,
        whole=given.whole,
    )


def make(
    name: str,
    out: Path,
    *,
    base: Path | None = None,
    add: Iterable[tuple[Path, str]] = (),
    rootfs: Path | None = None,
    cmd: Iterable[str] = (),
    env: Iterable[str] = (),
    user: str = "",
    workdir: str = "",
    whole: bool = False,
) -> None:
    """Write the archive of image `name`, whole or not at all."""
    settings, layers, diffs = (dict[str, Any](), list[dict[str, Any]](), list[str]())
    if base is not None:
        settings, layers, diffs = read(base)
    scratch = out.with_name(out.name + ".layer")
    unfinished = out.with_name(out.name + ".unfinished")
    try:
        with scratch.open("wb") as file:
            write_layer(file, add=add, rootfs=rootfs)
        digest = sha256(scratch)
        added: dict[str, Any] = {"mediaType": LAYER, "digest": f"sha256:{digest}", "size": scratch.stat().st_size}
        settings = settings | {"Env": merge([PATH], settings.get("Env", []), env)}
        settings |= {key: value for key, value in (("User", user), ("WorkingDir", workdir)) if value}
        settings |= {"Cmd": list(cmd)} if cmd else {}
        config = encode(
            {
                "architecture": "amd64",
                "os": "linux",
                "config": settings,
                "rootfs": {"type": "layers", "diff_ids": [*diffs, f"sha256:{digest}"]},
            }
        )
        manifest = encode(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": described(CONFIG, config),
                "layers": [*layers, added],
            }
        )
        entry = described(MANIFEST, manifest) | {
            "platform": {"architecture": "amd64", "os": "linux"},
            "annotations": {"io.containerd.image.name": name, "org.opencontainers.image.ref.name": name},
        }
        index = encode({"schemaVersion": 2, "mediaType": INDEX, "manifests": [entry]})
        with tarfile.open(unfinished, "w") as archive:
            put(archive, "oci-layout", encode({"imageLayoutVersion": "1.0.0"}))
            put(archive, "index.json", index)
            for blob in (manifest, config):
                put(archive, f"blobs/sha256/{hashlib.sha256(blob).hexdigest()}", blob)
            if whole and base is not None:
                copy_layers(base, archive, {layer["digest"] for layer in layers})
            with scratch.open("rb") as file:
                put(archive, f"blobs/sha256/{digest}", file, size=added["size"])
        unfinished.replace(out)
    finally:
        scratch.unlink(missing_ok=True)
        unfinished.unlink(missing_ok=True)


def read(archive: Path) -> tuple[dict[str, Any], list[dict[str, Any]], list[str]]:
    """The container settings, the layers and their uncompressed digests of an archive that `make` wrote."""
    with tarfile.open(archive) as tar:

        def load(name: str) -> Any:
            file = tar.extractfile(name)
            assert file is not None, f"{archive} has no {name}"
            return json.load(file)

        def blob(digest: str) -> Any:
            return load("blobs/sha256/" + digest.removeprefix("sha256:"))

        manifest = blob(load("index.json")["manifests"][0]["digest"])
        config = blob(manifest["config"]["digest"])
    return config["config"], manifest["layers"], config["rootfs"]["diff_ids"]


def write_layer(out: IO[bytes], *, add: Iterable[tuple[Path, str]], rootfs: Path | None) -> None:
    with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as tar:
        if rootfs is not None:
            for path, name in walk(rootfs, ""):
                tar.add(path, arcname=name, recursive=False)
        for source, dest in add:
            if not source.exists():
                raise SystemExit(f"Cannot add {source} to the image: no such file or folder.")
            for path, name in walk(source, dest.strip("/")):
                tar.add(path, arcname=name, recursive=False, filter=plain)


def walk(source: Path, dest: str) -> Iterator[tuple[Path, str]]:
    """Every file below `source`, in a fixed order, with its name in the image; folders before what they hold."""
    if not source.is_dir() or source.is_symlink():
        yield source, dest
        return
    if dest:
        yield source, dest
    for child in sorted(os.scandir(source), key=lambda entry: entry.name):
        if dest and (child.name in SKIPPED or child.name.endswith(".pyc")):
            continue
        yield from walk(Path(child.path), f"{dest}/{child.name}".lstrip("/"))


def plain(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """The entry without what differs from one checkout to another: owner, time, the group's bits."""
    entry.uid = entry.gid = entry.mtime = 0
    entry.uname = entry.gname = ""
    entry.mode = 0o755 if entry.isdir() or entry.mode & 0o100 else 0o644
    return entry


def copy_layers(base: Path, archive: tarfile.TarFile, digests: set[str]) -> None:
    with tarfile.open(base) as tar:
        for digest in sorted(digests):
            member = tar.getmember("blobs/sha256/" + digest.removeprefix("sha256:"))
            file = tar.extractfile(member)
            assert file is not None
            put(archive, member.name, file, size=member.size)


def put(archive: tarfile.TarFile, name: str, content: bytes | IO[bytes], *, size: int = 0) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content) if isinstance(content, bytes) else size
    archive.addfile(entry, io.BytesIO(content) if isinstance(content, bytes) else content)


def merge(*lists: Iterable[str]) -> list[str]:
    """Variables by name, the later setting winning."""
    return list({text.partition("=")[0]: text for variables in lists for text in variables}.values())


def encode(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def described(kind: str, content: bytes) -> dict[str, Any]:
    return {"mediaType": kind, "digest": f"sha256:{hashlib.sha256(content).hexdigest()}", "size": len(content)}


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


if __name__ == "__main__":
    main(sys.argv[1:])
