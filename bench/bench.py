#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Runs benchmarks: `bench.py [--build FOLDER] [NAME] [OPTION]...`, or, as users do, `./dev bench [NAME] [OPTION]...`.
Starts daemons and clients, takes everything away again also on Ctrl-C, prints a table, and writes the figures of every run
as JSON, and a picture. What is measured is in docs/benchmarks.md."""

import argparse
import pathlib
import signal
import sys
import tempfile

sys.dont_write_bytecode = True
import crowd  # noqa: E402
import fairness  # noqa: E402
import profile_case  # noqa: E402
import suite  # noqa: E402
from harness import processes, report  # noqa: E402

BENCHMARKS = {
    "crowd": (crowd, "10,000 joins of 1,000 clients: their latency, and what a handle costs the daemon"),
    "fairness": (fairness, "the latency of a quiet client while others flood its daemon"),
}
# These write what they find themselves.
OTHERS = {
    "suite": (suite, "everything beside Corosync"),
    "profile": (profile_case, "where the time of one case goes: a flame graph, or instructions"),
}


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    parser = argparse.ArgumentParser(
        prog="./dev bench",
        description="Measures Coterie beside Corosync; docs/benchmarks.md tells what. Without NAME: the whole suite.",
    )
    parser.add_argument("--build", type=pathlib.Path, default=root / "build", help=argparse.SUPPRESS)
    names = parser.add_subparsers(dest="name", required=True, metavar="NAME")
    for name, (module, text) in {**OTHERS, **BENCHMARKS}.items():
        sub = names.add_parser(
            name, help=text, description=module.__doc__, formatter_class=argparse.ArgumentDefaultsHelpFormatter
        )
        module.add_arguments(sub)
        if name in BENCHMARKS:
            sub.add_argument("--json", type=pathlib.Path, help="where the figures go (default: build/bench/NAME.json)")
            sub.add_argument("--picture", type=pathlib.Path, help="where the SVG goes (default: build/bench/NAME.svg)")
        sub.add_argument("--keep", action="store_true", help="keep the folder with logs and configurations")
    asked = parser.parse_args(_words(sys.argv[1:]))
    build = asked.build.resolve()
    for made in ("bin/coteried", "bin/coterie", "lib/libcpg.so.4"):
        if not (build / made).exists():
            raise processes.Failure(f"{build / made} is not there: run ./dev build first")
    if asked.name in OTHERS:
        with _folder(asked.keep) as folder:
            OTHERS[asked.name][0].run(asked, build, pathlib.Path(folder))
        return
    results = build / "bench"
    written = [(asked.json or results / f"{asked.name}.json"), (asked.picture or results / f"{asked.name}.svg")]
    module = BENCHMARKS[asked.name][0]
    machine = report.machine()
    with _folder(asked.keep) as folder:
        figures = module.run(asked, build, pathlib.Path(folder))
    command = f"./dev bench {' '.join(sys.argv[sys.argv.index(asked.name) :])}"
    report.write_json(written[0], {"command": command, "machine": machine, **figures})
    written[1].write_text(module.picture(figures))
    print(f"\nEvery run: {written[0]}\nA picture: {written[1]}")


def _words(words):
    """Options without a name before them are the suite's."""
    at = 2 if words[:1] == ["--build"] else 0
    if words[at : at + 1] and not words[at].startswith("-") or words[at : at + 1] in (["-h"], ["--help"]):
        return words
    return [*words[:at], "suite", *words[at:]]


def _folder(keep):
    if not keep:
        # Socket paths are short, so not below the build.
        return tempfile.TemporaryDirectory(prefix="coterie-bench-")
    folder = tempfile.mkdtemp(prefix="coterie-bench-")
    print(f"logs and configurations: {folder}")
    return _Kept(folder)


class _Kept:
    def __init__(self, folder):
        self._folder = folder

    def __enter__(self):
        return self._folder

    def __exit__(self, *_):
        pass


if __name__ == "__main__":
    processes.interrupts_raise()
    try:
        main()
    except processes.Failure as failure:
        print(f"bench: {failure}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt as why:
        print(f"bench: interrupted ({why})", file=sys.stderr)
        sys.exit(128 + signal.Signals[str(why)].value if str(why) in signal.Signals.__members__ else 130)
