#!/usr/bin/env python3
"""Packs the root folder of an image as an OCI image layout in one tar file, as `docker load`, podman, skopeo and umoci read
it. What the image does when it is started stands in the Dockerfile alone: its last stage is read here. The same root gives the
same bytes. Only Python's own library is used.

    deploy/image/oci.py SERVICE ROOT FILE [--version VERSION] [--revision REVISION]
"""

import argparse
import gzip
import hashlib
import io
import json
import pathlib
import platform
import re
import shlex
import tarfile

DOCKERFILE = pathlib.Path(__file__).with_name("Dockerfile")
USER = 65532
# As container engines pack: the highest takes three times as long for a hundredth of the size.
LEVEL = 6
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def last_stage(arguments):
    """The instructions after the last FROM, with the arguments of the build put in."""
    text = re.sub(r"\\\n\s*", " ", DOCKERFILE.read_text()).rsplit("\nFROM ", 1)[1]
    for line in text.splitlines()[1:]:
        word, _, rest = line.strip().partition(" ")
        if word and not word.startswith("#"):
            yield word, re.sub(r"\$(\w+)", lambda name: arguments[name.group(1)], rest)


def settings(arguments):
    """The `config` of the image (OCI image specification, config.md)."""
    made = {"WorkingDir": "/", "Env": [], "Labels": {}, "Volumes": {}}
    for word, rest in last_stage(arguments):
        if word == "ENV":
            made["Env"] += shlex.split(rest)
        elif word == "LABEL":
            made["Labels"] |= dict(entry.split("=", 1) for entry in shlex.split(rest))
        elif word == "USER":
            made["User"] = rest
        elif word == "VOLUME":
            made["Volumes"][rest] = {}
        elif word == "ENTRYPOINT":
            made["Entrypoint"] = json.loads(rest)
        elif word not in ("ARG", "COPY", "HEALTHCHECK"):
            raise SystemExit(f"oci: {word} of the Dockerfile is not known here")
    return made


def add(archive, name, content, mode=0o644):
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), mode
    archive.addfile(entry, io.BytesIO(content))


def layer(root):
    """The root as a tar, in the order of the names, without times and names of users; /data is the service's own."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path in sorted(root.rglob("*")):
            entry = archive.gettarinfo(path, str(path.relative_to(root)))
            entry.uid = entry.gid = USER if entry.name.split("/")[0] == "data" else 0
            entry.uname = entry.gname = ""
            entry.mtime = 0
            if entry.isreg():
                with path.open("rb") as content:
                    archive.addfile(entry, content)
            else:
                archive.addfile(entry)
    return made.getvalue()


class Layout:
    def __init__(self, archive):
        self.archive = archive
        add(archive, "oci-layout", json.dumps({"imageLayoutVersion": "1.0.0"}).encode())

    def blob(self, content, media_type):
        digest = hashlib.sha256(content).hexdigest()
        add(self.archive, f"blobs/sha256/{digest}", content)
        kind = f"application/vnd.oci.image.{media_type}"
        return {"mediaType": kind, "digest": f"sha256:{digest}", "size": len(content)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("service")
    parser.add_argument("root", type=pathlib.Path)
    parser.add_argument("file", type=pathlib.Path)
    parser.add_argument("--version", default="0.1.0")
    parser.add_argument("--revision", default="unknown")
    chosen = parser.parse_args()
    arguments = {"SERVICE": chosen.service, "VERSION": chosen.version, "REVISION": chosen.revision}
    plain = layer(chosen.root)
    config = {
        "architecture": ARCHITECTURES[platform.machine()],
        "os": "linux",
        "config": settings(arguments),
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(plain).hexdigest()}"]},
    }
    with tarfile.open(chosen.file, "w") as archive:
        layout = Layout(archive)
        manifest = {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": layout.blob(json.dumps(config).encode(), "config.v1+json"),
            "layers": [layout.blob(gzip.compress(plain, LEVEL, mtime=0), "layer.v1.tar+gzip")],
        }
        named = layout.blob(json.dumps(manifest).encode(), "manifest.v1+json")
        named["annotations"] = {
            "org.opencontainers.image.ref.name": chosen.version,
            # By which engines that load the file call it.
            "io.containerd.image.name": f"hms-{chosen.service}:{chosen.version}",
        }
        index = {"schemaVersion": 2, "manifests": [named]}
        add(archive, "index.json", json.dumps(index).encode())


main()
