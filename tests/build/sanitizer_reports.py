#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Reports that sanitizers have written into a folder: sanitizer_reports.py [--remove | --made-by PROGRAM] FOLDER.

Prints them and fails if there are any. --remove makes an empty folder of it; --made-by runs PROGRAM, and fails if there are
none then."""

import argparse
import pathlib
import shutil
import subprocess
import sys

SHOWN_MAX = 10


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--remove", action="store_true")
    arguments.add_argument("--made-by")
    arguments.add_argument("folder", type=pathlib.Path)
    given = arguments.parse_args()
    if given.remove or given.made_by:
        shutil.rmtree(given.folder, ignore_errors=True)
        given.folder.mkdir(parents=True)
        # Daemons that have given up their privileges write here, too.
        given.folder.chmod(0o1777)
    if given.made_by:
        subprocess.run([given.made_by], check=False)
    reports = sorted(file for file in given.folder.iterdir() if file.is_file() and file.stat().st_size > 0)
    for file in reports[:SHOWN_MAX]:
        print(f"== {file}")
        print(file.read_text(errors="replace"))
    print(f"{len(reports)} reports of sanitizers in {given.folder}")
    return 1 if bool(reports) != bool(given.made_by) else 0


if __name__ == "__main__":
    sys.exit(main())
