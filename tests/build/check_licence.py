#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Fails when a source file does not say its licence in its first lines: check_licence.py ROOT."""

import pathlib
import sys

sys.dont_write_bytecode = True
import tree  # noqa: E402

WANTED = "SPDX-License-Identifier: BSD-3-Clause"
# A first line may belong to the interpreter, and C headers open with a comment of their own.
LINE_COUNT = 3


def main():
    root = pathlib.Path(sys.argv[1])
    status = 0
    for file in tree.files(root):
        if not file.is_symlink() and (tree.is_code(file) or tree.is_script(file)):
            with file.open(errors="replace") as stream:
                head = [stream.readline() for _ in range(LINE_COUNT)]
            if not any(WANTED in line for line in head):
                print(f"{file.relative_to(root)}:1: the line `{WANTED}` is missing")
                status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
