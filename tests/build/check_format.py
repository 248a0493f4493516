#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Fails when clang-format would change a file: check_format.py ROOT. Skipped (77) without clang-format-19."""

import pathlib
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
import tree  # noqa: E402


def main():
    root = pathlib.Path(sys.argv[1])
    program = shutil.which("clang-format-19")
    if program is None:
        print("clang-format-19 is not installed")
        return 77
    files = [str(file.relative_to(root)) for file in tree.files(root) if tree.is_code(file)]
    if not files:
        return 0
    done = subprocess.run([program, "--dry-run", "-Werror", "--ferror-limit=1", *files], cwd=root, check=False)
    if done.returncode != 0:
        print("./dev format puts this right")
    return 1 if done.returncode else 0


if __name__ == "__main__":
    sys.exit(main())
