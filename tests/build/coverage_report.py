#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What the tests have run, from the profiles of a coverage build: coverage_report.py ROOT BUILD.

Prints a table of the lines of each layer; writes a page for each source file to BUILD/report, and every line that nothing
has run to BUILD/not-run.txt. Fails when a layer that has to be covered is not."""

import collections
import json
import pathlib
import re
import subprocess
import sys

# Hundredths of their lines that have to be run: these layers are pure, so that every line can be reached by a test.
WANTED = {"ring": 95, "groups": 95, "wire": 95}
JOBS = "2"


def programs(build):
    """All that was linked with counters."""
    for place in (build / "tests", build / "tests" / "fuzz", build / "bin", build / "lib", build / "examples"):
        for file in sorted(place.glob("*")) if place.is_dir() else []:
            if file.is_file() and not file.is_symlink():
                with file.open("rb") as stream:
                    if stream.read(4) == b"\x7fELF":
                        yield file


def llvm_cov(command, root, build, *arguments):
    objects = [f"--object={each}" for each in programs(build)]
    return subprocess.run(
        ["llvm-cov-19", command, f"--instr-profile={build / 'profile'}", *objects, *arguments, "--sources", root / "src"],
        check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout


def table(root, build):
    """Prints it; returns the layers that are not covered as they have to be."""
    lines = collections.defaultdict(lambda: [0, 0])
    for file in json.loads(llvm_cov("export", root, build, "--summary-only"))["data"][0]["files"]:
        layer = pathlib.Path(file["filename"]).relative_to(root / "src").parts[0]
        lines[layer][0] += file["summary"]["lines"]["covered"]
        lines[layer][1] += file["summary"]["lines"]["count"]
    print("| Layer | Lines | of these run |\n|---|---|---|")
    lacking = []
    for layer, (covered, count) in sorted(lines.items()):
        print(f"| `{layer}` | {count} | {100 * covered / count:.1f} % |")
        if 100 * covered < WANTED.get(layer, 0) * count:
            lacking.append(layer)
    return lacking


def list_what_was_not_run(root, build):
    file = None
    with (build / "not-run.txt").open("w") as out:
        for line in llvm_cov("show", root, build, "--format=text", "--show-expansions=false", "--show-instantiations=false").splitlines():
            if line.startswith(str(root)) and line.endswith(":"):
                file = pathlib.Path(line[:-1]).relative_to(root)
            elif found := re.match(r" *(\d+)\| *0\|(.*)", line):
                out.write(f"{file}:{found[1]}:{found[2]}\n")


def main():
    root, build = (pathlib.Path(each).resolve() for each in sys.argv[1:3])
    profiles = sorted((build / "profiles").glob("*.profraw"))
    if not profiles:
        print("coverage_report: no profiles: nothing was run", file=sys.stderr)
        return 1
    # Of a process that was killed while it made its profile there may be half a one, which is passed over.
    subprocess.run(["llvm-profdata-19", "merge", "--sparse", "--failure-mode=all", "-o", build / "profile", *profiles],
                   check=True, stderr=subprocess.DEVNULL)
    lacking = table(root, build)
    list_what_was_not_run(root, build)
    llvm_cov("show", root, build, "--format=html", f"--output-dir={build / 'report'}", "--show-instantiations=false", "-j", JOBS)
    print(f"each line: {build / 'report' / 'index.html'}, those that were not run: {build / 'not-run.txt'}")
    for layer in lacking:
        print(f"coverage_report: less than {WANTED[layer]} % of the lines of {layer} were run", file=sys.stderr)
    return 1 if lacking else 0


if __name__ == "__main__":
    sys.exit(main())
