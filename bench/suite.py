# SPDX-License-Identifier: BSD-3-Clause
"""Everything, on Coterie and Corosync in turn, in the same network namespaces: throughput by size, latency, cost by nodes, time
until a failure is told of, idle daemons. Writes results.json, table.md and the pictures, and prints the table of ratios."""

import datetime
import itertools
import json
import pathlib
import time

import cases
import pictures
import tables
import works
from harness import corosync_packages, report
from harness.daemons import Corosync, Coterie
from harness.network import network
from harness.processes import Failure
from harness.progress import Progress

PRODUCTS = ("coterie", "corosync")


def add_arguments(parser):
    parser.add_argument("--quick", action="store_true", help="fewer sizes and runs, within five minutes")
    parser.add_argument("--nodes", nargs="+", type=int, metavar="N", help="only clusters of so many nodes; what "
                        "results.json has of others is kept")
    parser.add_argument("--work", nargs="+", choices=["flood", "latency", "joins", "idle", "unplugged", "killed"],
                        help="only these")
    parser.add_argument("--match", metavar="TEXT", help="only cases whose key in results.json has this in it")
    parser.add_argument("--only", choices=PRODUCTS, help="measure one of the two")
    parser.add_argument("--repeat", type=int, help="runs of each case, of which the median counts (3; quick: 1 or 2)")
    parser.add_argument("--seconds", type=float, help="how long each run measures (1.5; quick: 0.4)")
    parser.add_argument("--results", type=pathlib.Path, help="the folder (bench/results; quick: bench/results/quick)")


def run(asked, build, folder):
    results_folder = asked.results or pathlib.Path(__file__).parent / "results" / ("quick" * asked.quick)
    chosen = _chosen(asked)
    packages = None if asked.only == "coterie" else corosync_packages.find(build / "bench/corosync-packages")
    suite = _Suite(asked, build, folder, packages, chosen)
    suite.measure()
    content = _merged(results_folder / "results.json", suite.results, asked)
    content["corosync"] = packages.version if packages else content.get("corosync")
    report.write_json(results_folder / "results.json", content)
    table = tables.markdown(content)
    (results_folder / "table.md").write_text(table)
    for name, text in pictures.of(content).items():
        (results_folder / f"{name}.svg").write_text(text)
    print(f"\n{tables.text(content)}\n")
    report.warn_of_others([each for runs in suite.all_runs() for each in runs if "others_processors" in each])
    print(f"\nEvery run: {results_folder}/results.json; tables: table.md; pictures: *.svg")
    if suite.failures:
        raise Failure("these failed, and have no figures:\n" + "\n".join(suite.failures))


def _chosen(asked):
    chosen = cases.all_cases(asked.quick)
    chosen = [
        each
        for each in chosen
        if (not asked.nodes or each.cluster.nodes in asked.nodes)
        and (not asked.work or each.work in [*asked.work, "form"])
        and (not asked.match or asked.match in each.key or each.work == "form")
    ]
    # Every cluster is seen to form, but that alone is no reason to start one.
    with_work = {each.cluster for each in chosen if each.work != "form"}
    chosen = [each for each in chosen if each.cluster in with_work]
    if not chosen:
        raise Failure("there is no such case; bench/cases.py lists them")
    return chosen


def _merged(file, measured, asked):
    """What was measured now, with what the file has of other cases if only some were asked for."""
    kept = {}
    if (asked.nodes or asked.work or asked.match or asked.only) and file.exists():
        kept = json.loads(file.read_text())
        for key, case in measured.items():
            # Of a product that was not measured now, the earlier runs stay.
            before = kept["cases"].get(key, {"runs": {}, "why_not": {}})
            for product in PRODUCTS:
                if product not in case["runs"] and product not in case["why_not"]:
                    for part in ("runs", "why_not"):
                        case[part].update({product: before[part][product]} if product in before[part] else {})
    order = [each.key for each in cases.all_cases(False)] + [each.key for each in cases.all_cases(True)]
    found = {**kept.get("cases", {}), **measured}
    ordered = {key: found[key] for key in dict.fromkeys([*order, *found]) if key in found}
    return {"corosync": kept.get("corosync"), "machine": report.machine(), "cases": ordered}


class _Suite:
    def __init__(self, asked, build, folder, packages, chosen):
        self._asked, self._build, self._folder, self._packages = asked, build, folder, packages
        self._tool = build / "bin/coterie"
        self._seconds = asked.seconds or (0.4 if asked.quick else 1.5)
        self._form_limit = 12 if asked.quick else 30
        self._clusters = [(key, list(group)) for key, group in itertools.groupby(chosen, lambda each: each.cluster)]
        self._products = [each for each in PRODUCTS if asked.only in (None, each)]
        self._progress = None
        self.failures = []
        self.results = {}
        for each in chosen:
            self.results[each.key] = {
                "title": each.title,
                "what": each.what,
                "work": each.work,
                "nodes": each.cluster.nodes,
                "bytes": each.bytes,
                "date": datetime.date.today().isoformat(),
                "revision": report.revision(),
                "runs": {},
                "why_not": {},
            }

    def all_runs(self):
        return [runs for case in self.results.values() for runs in case["runs"].values()]

    def measure(self):
        turns = [
            (cluster, chosen, turn, product)
            for cluster, chosen in self._clusters
            for turn in range(self._repeat(cluster))
            for product in self._products
        ]
        self._progress = Progress([self._planned(each, product) for _, chosen, _, product in turns for each in chosen])
        for (cluster, chosen), of_cluster in itertools.groupby(turns, lambda each: (each[0], each[1])):
            with network("namespaces", cluster.nodes, cluster.mtu) as place:
                for _, _, turn, product in of_cluster:
                    self._measure_all(place, cluster, chosen, turn, product)

    def _repeat(self, cluster):
        if self._asked.repeat:
            return self._asked.repeat
        if not self._asked.quick:
            return 3
        return 2 if cluster in (cases.Cluster(1), cases.Cluster(3)) else 1

    def _planned(self, case, product):
        """Seconds, about."""
        slow = product == "corosync"
        if case.work == "form":
            return {1: 1, 2: 3, 3: 4, 5: 5, 8: 7, 16: 20}.get(case.cluster.nodes, 5) if slow else 1
        if case.work == "unplugged":
            return 16 if slow else 5
        if case.work == "killed":
            return 11 if slow else 3
        return 1.3 * self._seconds_of(case) + 0.6

    def _daemons(self, place, cluster, product):
        if product == "coterie":
            return Coterie(place, self._folder, self._build, cluster.realtime, None, cluster.encrypted)
        return Corosync(place, self._folder, self._packages, cluster.realtime, cluster.encrypted)

    def _measure_all(self, place, cluster, chosen, turn, product):
        if why := self._daemons(place, cluster, product).refusal():
            for each in chosen:
                # Without the place in front and the advice behind.
                self._skip(each, product, "refused: " + why.partition(";")[0].rpartition(": ")[2])
            return
        left = list(chosen)
        while left:
            # After a failure nobody knows what state the daemons are in: the rest is measured by new ones.
            left = self._measure_some(place, cluster, left, turn, product)

    def _measure_some(self, place, cluster, chosen, turn, product):
        """On one set of daemons, up to the first failure; the cases behind it."""
        begin = time.monotonic_ns()
        with self._daemons(place, cluster, product) as daemons:
            try:
                formed = {"ms": works.form(daemons, self._tool, begin, self._form_limit)}
            except Failure:
                for each in chosen:
                    self._skip(each, product, f"no common view within {self._form_limit} s")
                return []
            for at, each in enumerate(chosen):
                if product == "corosync" and not each.corosync_can:
                    self._skip(each, product, "its largest message is 1 MB")
                    continue
                try:
                    result = formed if each.work == "form" else None
                    result = result or works.measure(each, daemons, self._tool, self._seconds_of(each), turn)
                except Failure as failure:
                    self.failures.append(f"{each.title}, {product}: {failure}")
                    self._skip(each, product, f"FAILED: {str(failure).splitlines()[-1]}")
                    return chosen[at + 1 :]
                self.results[each.key]["runs"].setdefault(product, []).append(result)
                self._tell(each, product, turn, tables.brief(each.work, each.bytes, result))
        return []

    def _seconds_of(self, case):
        # The tail of a distribution wants more of them, and so do messages of which there are few a second.
        return self._seconds * (2 if case.work == "latency" or case.bytes >= 1_000_000 else 1)

    def _skip(self, case, product, why):
        self.results[case.key]["why_not"][product] = why
        self._tell(case, product, 0, why)

    def _tell(self, case, product, turn, text):
        name = f"{product.capitalize()}, run {turn + 1} of {self._repeat(case.cluster)}"
        self._progress.step(self._planned(case, product), f"{case.title}: {name}: {text}")
