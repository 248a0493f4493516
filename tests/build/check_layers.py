#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Fails when a file of src/ includes what its layer may not know.

check_layers.py LAYERS ROOT: LAYERS is the table that the build writes, `name: dependency... [pure]` a line; ROOT is the
repository. A layer may include its own headers and those of the layers listed for it, not those that these list in turn.
A pure layer may not include a header that offers a clock, socket, thread, random device or file. Some libraries take long
to compile, so headers may not include them.
"""

import pathlib
import re
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s*(?P<open>["<])(?P<name>[^">]+)[">]')

# What a state machine that is handed its time and its packets has no use for.
IMPURE = re.compile(
    r"^(sys/(socket|epoll|mman|stat|time|timerfd|types|uio|un)\.h|netinet/.*|arpa/.*|net/.*\.h|unistd\.h|fcntl\.h|poll\.h|pthread\.h"
    r"|time\.h|ctime|thread|mutex|shared_mutex|condition_variable|future|semaphore|random|filesystem|fstream|iostream"
    r"|stdio\.h|asio\.hpp|asio/.*|spdlog/.*|openssl/.*)$"
)

# Library, and the layers whose headers may include it all the same.
HEAVY = {
    re.compile(r"^CLI/"): set(),
    # json_fwd.hpp declares and no more: it is there for headers.
    re.compile(r"^nlohmann/(?!json_fwd)"): set(),
    re.compile(r"^asio(\.hpp|/)"): {"net", "daemon"},
    re.compile(r"^(fmt|spdlog)/"): {"net", "daemon", "cli"},
}


def read_table(file):
    """The table as {layer: set of layers}, and the set of pure layers."""
    allowed, pure = {}, set()
    for line in pathlib.Path(file).read_text().splitlines():
        if not line.strip():
            continue
        name, _, rest = line.partition(":")
        words = rest.split()
        if "[pure]" in words:
            words.remove("[pure]")
            pure.add(name)
        allowed[name] = set(words)
    for name, dependencies in allowed.items():
        for unknown in dependencies - allowed.keys():
            raise SystemExit(f"{file}: layer {name} depends on {unknown}, which is no layer")
    return allowed, pure


def fault(name, quoted, file, layer, allowed, pure):
    """What is wrong with including `name` in `file`, or None."""
    if ".." in name.split("/"):
        return f'"{name}" climbs out of its folder; write it from src/ on'
    first = name.split("/")[0] if "/" in name else None
    if first in allowed:
        if first != layer and first not in allowed[layer]:
            may = ", ".join(sorted(allowed[layer])) or "no other"
            return f"layer {layer} includes \"{name}\" of layer {first}; it may use {may}"
        return None
    if quoted and not (file.parent / name).exists() and first not in ("corosync", "coterie"):
        return f'"{name}" is not a header of any layer'
    if layer in pure and IMPURE.match(name):
        return f"layer {layer} is a pure state machine and may not include <{name}>"
    if file.suffix in (".hpp", ".h"):
        for library, layers in HEAVY.items():
            if library.match(name) and layer not in layers:
                return f"<{name}> takes long to compile; include it in a .cpp file"
    return None


def check(table, root):
    """All faults of the tree, as `file:line: text`."""
    allowed, pure = read_table(table)
    source = pathlib.Path(root) / "src"
    faults = []
    for file in sorted(source.rglob("*")):
        if file.suffix not in (".cpp", ".hpp", ".c", ".h") or not file.is_file():
            continue
        shown = file.relative_to(root)
        layer = shown.parts[1]
        if layer not in allowed:
            faults.append(f"{shown}:1: {layer} is not in the table of layers (CMakeLists.txt)")
            continue
        for number, line in enumerate(file.read_text(errors="replace").splitlines(), 1):
            found = INCLUDE.match(line)
            if found:
                text = fault(found["name"], found["open"] == '"', file, layer, allowed, pure)
                if text:
                    faults.append(f"{shown}:{number}: {text}")
    return faults


def main():
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    faults = check(sys.argv[1], sys.argv[2])
    for line in faults:
        print(line)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
