#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Fails unless docs/cpg-api.md tells the truth as far as a script can see: every test that it names exists in one of the
test programs, every function of cpg.h and of Coterie's own header has its rows, and the errors of a function are those that its manual page lists:
cpg_table.py ROOT PROGRAM..."""

import pathlib
import re
import subprocess
import sys

EVERYBODY = "every call"
HEADERS = ("corosync/cpg.h", "coterie/pauses.h")


def tests_of(program):
    """The names SUITE.TEST of a GoogleTest program."""
    listed = subprocess.run([program, "--gtest_list_tests"], capture_output=True, text=True, check=True).stdout
    suite = ""
    for line in listed.splitlines():
        if line.startswith("  "):
            yield suite + line.split()[0]
        elif line.endswith("."):
            suite = line


def errors_of_page(page):
    return set(re.findall(r"^\.B (CS_ERR_\w+)$", page.read_text().split(".SH ERRORS")[1], re.MULTILINE))


def faults_of(root, programs):
    text = (root / "docs/cpg-api.md").read_text()
    functions = [name for header in HEADERS for name in re.findall(r"^cs_error_t (\w+)\(", (root / "include" / header).read_text(), re.MULTILINE)]
    existing = {test for program in programs for test in tests_of(program)}
    rows = [[cell.strip(" `") for cell in line.strip("|\n").split("|")] for line in text.splitlines() if line.startswith("| ")]
    errors = {name: set() for name in [*functions, EVERYBODY]}
    for row in rows:
        if row[-1] == "shown by":
            continue
        if row[-1] not in existing:
            yield f"there is no test {row[-1]}"
        if len(row) == 4:
            if row[0] not in errors:
                yield f"the headers have no function {row[0]}"
            errors.setdefault(row[0], set()).add(row[1])
    for name in functions:
        if not errors[name]:
            yield f"{name} has no row"
        listed = errors_of_page(root / "man" / f"{name}.3")
        yield from (f"the page of {name} has {each}, the table has not" for each in listed - errors[name] - errors[EVERYBODY])
        yield from (f"the table has {each} for {name}, the page has not" for each in errors[name] - listed - {"CS_OK"})


def main():
    faults = list(faults_of(pathlib.Path(sys.argv[1]), sys.argv[2:]))
    print("\n".join(faults))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
