#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Fails unless every test that docs/testing.md names as SUITE.TEST in backticks exists: check_named_tests.py ROOT."""

import pathlib
import re
import sys

# Words of the same form that are no tests: files, and keys of the configuration.
ENDINGS = ("hpp", "cpp", "c", "py", "txt", "md", "sh", "h")
SECTIONS = ("system", "totem", "member", "client")


def main():
    root = pathlib.Path(sys.argv[1])
    existing = set()
    for folder in ("tests", "bench"):
        for source in (root / folder).rglob("*.cpp"):
            for suite, name in re.findall(r"^TEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\)", source.read_text(), re.MULTILINE):
                existing.add(f"{suite}.{name}")
    named = re.findall(r"`(\w+\.\w+)`", (root / "docs/testing.md").read_text())
    named = [name for name in named if name.rpartition(".")[2] not in ENDINGS and name.partition(".")[0] not in SECTIONS]
    missing = [name for name in named if name not in existing]
    print("\n".join(f"docs/testing.md names {name}, which does not exist" for name in missing))
    if len(named) < 40:
        print(f"docs/testing.md names {len(named)} tests only: was the table read?")
        return 1
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
