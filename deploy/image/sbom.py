#!/usr/bin/env python3
"""The bill of materials of one program, as CycloneDX 1.5 on the standard output: every crate that is linked into it for
Linux on this machine's architecture, as Cargo.lock has it. Build tools and what only tests use are not in it.

    deploy/image/sbom.py PACKAGE [--features FEATURES]      such as hms-auth
"""

import argparse
import json
import platform
import subprocess


def metadata(features):
    command = ["cargo", "metadata", "--format-version=1", "--locked"]
    command += ["--filter-platform", f"{platform.machine()}-unknown-linux-gnu"]
    if features:
        command += ["--features", features]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def linked(graph, root):
    """The packages that are reached from one over normal dependencies."""
    nodes = {node["id"]: node for node in graph["resolve"]["nodes"]}
    found, waiting = set(), [root]
    while waiting:
        package = waiting.pop()
        if package in found:
            continue
        found.add(package)
        for dependency in nodes[package]["deps"]:
            if any(kind["kind"] is None for kind in dependency["dep_kinds"]):
                waiting.append(dependency["pkg"])
    return found


def component(package):
    made = {
        "type": "library",
        "bom-ref": f"{package['name']}@{package['version']}",
        "name": package["name"],
        "version": package["version"],
    }
    if package["source"]:
        made["purl"] = f"pkg:cargo/{package['name']}@{package['version']}"
    if package["license"]:
        made["licenses"] = [{"expression": package["license"].replace("/", " OR ")}]
    return made


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("package")
    parser.add_argument("--features", default="")
    arguments = parser.parse_args()
    graph = metadata(arguments.features)
    packages = {package["id"]: package for package in graph["packages"]}
    root = next(id for id in graph["workspace_members"] if packages[id]["name"] == arguments.package)
    components = [component(packages[id]) for id in linked(graph, root) - {root}]
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": component(packages[root]) | {"type": "application"}},
        "components": sorted(components, key=lambda made: (made["name"], made["version"])),
    }
    print(json.dumps(document, indent=1))


main()
