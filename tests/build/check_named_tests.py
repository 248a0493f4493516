#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Fails unless every test that these documents name as SUITE.TEST in backticks exists: check_named_tests.py ROOT."""

import pathlib
import re
import sys

# Words of the same form that are no tests: files, and keys of the configuration.
ENDINGS = ("hpp", "cpp", "c", "py", "txt", "md", "sh", "h")
SECTIONS = ("system", "totem", "member", "client")
# Each with how many tests it names at least.
DOCUMENTS = {"docs/testing.md": 40, "docs/security.md": 15}


def main():
    root = pathlib.Path(sys.argv[1])
    existing = set()
    for folder in ("tests", "bench"):
        for source in (root / folder).rglob("*.cpp"):
            for suite, name in re.findall(r"^TEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\)", source.read_text(), re.MULTILINE):
                existing.add(f"{suite}.{name}")
    good = True
    for document, least in DOCUMENTS.items():
        named = re.findall(r"`(\w+\.\w+)`", (root / document).read_text())
        named = [name for name in named if name.rpartition(".")[2] not in ENDINGS and name.partition(".")[0] not in SECTIONS]
        for name in named:
            if name not in existing:
                print(f"{document} names {name}, which does not exist")
                good = False
        if len(named) < least:
            print(f"{document} names {len(named)} tests only: was the table read?")
            good = False
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
