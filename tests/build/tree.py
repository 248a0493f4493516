# SPDX-License-Identifier: BSD-3-Clause
"""The files of the repository that people write, found without git, which need not be there."""

import os
import pathlib

# Made by others, or made by machines.
PASSED_OVER = {".git", "build", ".cache", "corpus", "__pycache__"}

CODE = (".cpp", ".hpp", ".c", ".h")
SCRIPTS = (".py", ".sh", ".cmake", ".map", ".yml", ".yaml")


def files(root):
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in PASSED_OVER)
        for name in sorted(names):
            yield pathlib.Path(folder) / name


def is_code(file):
    return file.suffix in CODE


def is_script(file):
    """A file of another language that has comments."""
    if file.suffix in SCRIPTS or file.name in ("CMakeLists.txt", ".clang-format", ".clang-tidy", ".gitignore"):
        return True
    with file.open("rb") as stream:
        return stream.read(2) == b"#!"
