# SPDX-License-Identifier: BSD-3-Clause
"""Opens what `coterie sim --html` draws in a headless Chromium and finds its parts, moves and points like a user.

Usage: page_test.py COTERIE SIM_FAILURE_PAGE"""

import os
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from browser import Browser, find  # noqa: E402

SKIPPED = 77
COTERIE, FAILURE_PAGE = sys.argv[1:3]


class Pages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="coterie-page-")
        cls.few = cls.draw("few", 4, 1500, "fault kind=cut at=100ms lasts=700ms nodes=1,2",
                           "fault kind=pause at=900ms lasts=80ms nodes=3",
                           "fault kind=crash at=1100ms lasts=200ms nodes=4")
        cls.many = cls.draw("many", 64, 300, "fault kind=crash at=100ms nodes=64")
        cls.failure = os.path.join(cls.folder.name, "failure.html")
        subprocess.run([FAILURE_PAGE, cls.failure], check=True)
        cls.browser = Browser()

    @classmethod
    def tearDownClass(cls):
        cls.browser.__exit__()
        cls.folder.cleanup()

    @classmethod
    def draw(cls, name, nodes, time_ms, *faults):
        """The page of a run with a client on every node."""
        path = os.path.join(cls.folder.name, name)
        clients = [f"client node={node} pace=20ms" for node in range(1, nodes + 1)]
        with open(path + ".plan", "w", encoding="utf-8") as file:
            file.write("\n".join(["coterie-plan 1", f"world seed=7 nodes={nodes}", f"run time={time_ms}ms",
                                  *clients, *faults]))
        subprocess.run([COTERIE, "sim", "--plan", path + ".plan", "--html", path + ".html"], check=True,
                       stdout=subprocess.DEVNULL)
        return path + ".html"

    def open(self, path, fragment=""):
        self.browser.requests.clear()
        self.browser.open(path, fragment)

    def tearDown(self):
        self.assertEqual(self.browser.errors, [])
        elsewhere = [url for url in self.browser.requests if not url.startswith(("file:", "about:"))]
        self.assertEqual(elsewhere, [], "a page needs no network")

    def count(self, selector):
        return self.browser.js(f"document.querySelectorAll('{selector}').length")

    def text(self, selector):
        return self.browser.js(f"document.querySelector('{selector}').textContent")

    def window(self):
        return self.browser.js("[from, to]")

    def place(self, selector):
        """The middle of an element on the screen."""
        return self.browser.js(
            f"(() => {{ const r = document.querySelector('{selector}').getBoundingClientRect();"
            " return [r.left + r.width / 2, r.top + r.height / 2]; })()")

    def test_nodes_views_messages_and_faults_are_there(self):
        self.open(self.few)
        self.assertEqual(self.count(".lane"), 4)
        self.assertGreaterEqual(self.count(".view"), 8, "a view of all, two sides, a view of all, without 4, of all")
        self.assertGreater(self.count(".message"), 50)
        self.assertGreaterEqual(self.count(".step.installed"), 8)
        self.assertEqual(self.count(".step.failed"), 1)
        faults = self.browser.js("[...document.querySelectorAll('.fault text')].map(e => e.textContent)")
        self.assertIn("cut {1, 2} | {3, 4}", faults)
        self.assertIn("down {4}", faults)
        self.assertEqual(self.count("rect.paused[data-tip]"), 1)
        self.assertEqual(self.count(".violation"), 0)
        self.assertIn("every guarantee holds", self.text("#summary"))
        self.assertIn("--plan", self.text("#summary code"))

    def test_the_wheel_zooms_around_the_pointer_and_dragging_moves(self):
        self.open(self.few)
        first = self.window()
        x, y = 700, 500
        before = self.browser.js(f"t({x})")
        self.browser.mouse("mouseWheel", x, y, deltaX=0, deltaY=-600)
        zoomed = self.window()
        self.assertLess(zoomed[1] - zoomed[0], (first[1] - first[0]) / 2)
        self.assertAlmostEqual(self.browser.js(f"t({x})"), before, delta=2000)
        self.browser.mouse("mousePressed", x, y, button="left", clickCount=1)
        self.browser.mouse("mouseMoved", x - 200, y, button="left", buttons=1)
        self.browser.mouse("mouseReleased", x - 200, y, button="left", clickCount=1)
        moved = self.window()
        self.assertGreater(moved[0], zoomed[0])
        self.assertAlmostEqual(moved[1] - moved[0], zoomed[1] - zoomed[0], delta=1)
        self.browser.js("$('fit').click()")
        self.assertEqual(self.window()[0], 0)
        self.assertEqual(self.window()[1], self.browser.js("run.end"))

    def test_pointing_at_a_view_and_at_a_message_tells_about_them(self):
        self.open(self.few, "#from=200&to=205")
        self.browser.js("$('show-messages').click()")  # nothing lies over the views
        x, y = self.place(".view")
        self.browser.mouse("mouseMoved", x, y - 15)
        self.assertIn("in view V1", self.text("#tip"))
        self.assertIn("4 members: 1–4", self.text("#tip"))
        self.browser.js("$('show-messages').click(); show(run.messages[40][1] - 300, run.messages[40][1] + 600)")
        x, y = self.browser.js(
            "(() => { const e = document.querySelector('.hit'), p = e.getPointAtLength(e.getTotalLength() * 0.4),"
            " r = picture.getBoundingClientRect(); return [p.x + r.left, p.y + r.top]; })()")
        self.browser.mouse("mouseMoved", x, y)
        self.assertIn("numbered by node", self.text("#tip"))
        self.assertGreater(self.count(".message.chosen"), 0)

    def test_parts_can_be_switched_off_and_on(self):
        self.open(self.few, "#from=300&to=400")
        for name, selector in (("messages", ".message"), ("steps", ".step"), ("hops", ".hop"), ("faults", ".fault")):
            self.browser.js(f"if (!$('show-{name}').checked) $('show-{name}').click(); show(0, run.end)")
            self.assertGreater(self.count("#picture " + selector), 0, name)
            self.browser.js(f"$('show-{name}').click()")
            self.assertEqual(self.count("#picture " + selector), 0, name)
            self.browser.js(f"$('show-{name}').click()")

    def test_sixty_four_nodes_fit_and_are_sampled(self):
        self.open(self.many)
        self.assertEqual(self.count(".lane"), 64)
        self.assertLessEqual(self.count(".message"), 2 * self.browser.js("arrowsMax"))
        self.assertLess(self.count("#picture *"), 40_000, "so many parts move with ease")

    def test_a_violation_is_listed_marked_and_gone_to(self):
        self.open(self.failure)
        self.assertGreaterEqual(self.count("#violations button"), 1)
        self.assertIn("guarantee", self.text("#violations button"))
        self.assertGreaterEqual(self.count(".violation"), 1)
        self.browser.js("document.querySelector('#violations button').click()")
        begin, end = self.window()
        decisive = self.browser.js("run.violations[0][2][0][1]")
        self.assertTrue(begin <= decisive <= end and end - begin <= 1_000_000)
        self.assertGreaterEqual(self.count(".moment"), 1)
        self.assertEqual(self.count("#violations button.chosen"), 1)


if __name__ == "__main__":
    if find() is None:
        print("SKIPPED: there is no chromium here (Debian's package chromium; ./dev install-packages test):"
              " nobody has looked at the pages of coterie sim --html", flush=True)
        sys.exit(SKIPPED)
    unittest.main(argv=sys.argv[:1])
