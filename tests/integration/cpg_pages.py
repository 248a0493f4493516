#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Fails unless every function of cpg.h and of Coterie's own header has a manual page that names it, groff has nothing to say about any page, and all
pages that are referred to exist: cpg_pages.py ROOT. Without groff only the first and the last are looked at."""

import pathlib
import re
import shutil
import subprocess
import sys

# Pages that others have.
SYSTEM_PAGES = {"poll(2)", "fork(2)", "execve(2)", "getpid(2)"}
HEADERS = ("corosync/cpg.h", "coterie/pauses.h")
SECTIONS = ("NAME", "SYNOPSIS", "DESCRIPTION", '"?RETURN VALUE"?', "ERRORS", "THREADS", '"?SEE ALSO"?')


def functions_of(header):
    return re.findall(r"^cs_error_t (\w+)\(", header.read_text(), re.MULTILINE)


def faults_of(root):
    pages = {f"{page.stem}({page.suffix[1:]})": page for page in (root / "man").glob("c*_*.[0-9]")}
    functions = [name for header in HEADERS for name in functions_of(root / "include" / header)]
    if len(functions) != 21:
        yield f"the headers have {len(functions)} functions, not 21"
    for function in functions:
        page = pages.get(f"{function}(3)")
        if page is None:
            yield f"{function} has no page man/{function}.3"
            continue
        text = page.read_text()
        for section in SECTIONS:
            if not re.search(rf"^\.SH {section}$", text, re.MULTILINE):
                yield f"man/{page.name} has no section {section}"
        if f"cs_error_t {function}(" not in text:
            yield f"man/{page.name} does not show how {function} is called"
    for page in pages.values():
        for name, section in re.findall(r"^\.BR (\w+) \((\d)\)", page.read_text(), re.MULTILINE):
            if f"{name}({section})" not in pages and f"{name}({section})" not in SYSTEM_PAGES:
                yield f"man/{page.name} refers to {name}({section}), which does not exist"
        if shutil.which("groff"):
            command = ["groff", "-man", "-Tutf8", "-ww", "-z", str(page)]
            said = subprocess.run(command, capture_output=True, text=True, check=False)
            yield from (f"groff: {line}" for line in said.stderr.splitlines())
            if said.returncode != 0:
                yield f"groff fails on man/{page.name}"


def main():
    faults = list(faults_of(pathlib.Path(sys.argv[1])))
    print("\n".join(faults))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
