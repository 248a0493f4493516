#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Fails unless the built libraries show exactly what programs were linked with: every function of cpg.h under the version
COROSYNC_CPG_1.0, Coterie's own under COTERIE_1.0, those of corotypes.h without one, under the names libcpg.so.4 and libcorosync_common.so.4, and nothing
else: cpg_symbols.py ROOT LIBRARY_FOLDER."""

import pathlib
import re
import subprocess
import sys


def output_of(*command):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=True).stdout


def symbols_of(library):
    """What is defined there, as NAME or NAME@@VERSION."""
    rows = [line.split() for line in output_of("nm", "-D", "--defined-only", "--with-symbol-versions", library).splitlines()]
    # The version itself is listed too.
    return {row[2] for row in rows if row[1] != "A"}


def name_of(library):
    return re.search(r"Library soname: \[(.*)\]", output_of("readelf", "-dW", library)).group(1)


def faults_of(root, folder):
    cpg = re.findall(r"^cs_error_t (cpg_\w+)\(", (root / "include/corosync/cpg.h").read_text(), re.MULTILINE)
    own = re.findall(r"^cs_error_t (coterie_\w+)\(", (root / "include/coterie/pauses.h").read_text(), re.MULTILINE)
    common = re.findall(r"^\w[\w ]*?[ *]+(\w+)\([^()]*\);", (root / "include/corosync/corotypes.h").read_text(), re.MULTILINE)
    expected = {
        "libcpg.so.4": {f"{name}@@COROSYNC_CPG_1.0" for name in cpg} | {f"{name}@@COTERIE_1.0" for name in own},
        "libcorosync_common.so.4": set(common),
    }
    if len(cpg) != 20 or set(common) != {"cs_strerror", "qb_to_cs_error", "hdb_error_to_cs"}:
        yield f"the headers declare {len(cpg)} and {sorted(common)}"
    for library, wanted in expected.items():
        shown = symbols_of(folder / library)
        yield from (f"{library} does not show {name}" for name in sorted(wanted - shown))
        yield from (f"{library} shows {name}" for name in sorted(shown - wanted))
        if name_of(folder / library) != library:
            yield f"{library} is called {name_of(folder / library)} inside"


def main():
    faults = list(faults_of(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])))
    print("\n".join(faults))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
