#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Shows that check_layers.py notices what it is there to notice."""

import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.dont_write_bytecode = True
import check_layers  # noqa: E402

TABLE = "base:\nwire: base [pure]\nring: base wire [pure]\nnet: base wire\nabove: ring\n"


class layering(unittest.TestCase):
    def faults_of(self, files):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / "layers.txt").write_text(TABLE)
            for name, text in files.items():
                file = root / name
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text)
            return check_layers.check(root / "layers.txt", root)

    def test_downward_includes_are_fine(self):
        self.assertEqual([], self.faults_of({
            "src/base/bytes.hpp": "#include <span>\n",
            "src/ring/engine.hpp": '#include "base/bytes.hpp"\n#include "wire/token.hpp"\n#include "ring/window.hpp"\n',
            "src/ring/engine.cpp": '#include "engine.hpp"\n#include <algorithm>\n',
        }))

    def test_an_upward_include_is_named_with_file_and_line(self):
        faults = self.faults_of({"src/wire/token.hpp": '#pragma once\n\n#include "ring/engine.hpp"\n'})
        self.assertEqual(1, len(faults))
        self.assertTrue(faults[0].startswith("src/wire/token.hpp:3: layer wire includes"), faults[0])

    def test_angle_brackets_and_spaces_do_not_hide_it(self):
        self.assertEqual(1, len(self.faults_of({"src/wire/token.cpp": "  #  include <ring/engine.hpp>\n"})))

    def test_dependencies_of_dependencies_are_not_implied(self):
        self.assertEqual(1, len(self.faults_of({"src/above/x.cpp": '#include "wire/token.hpp"\n'})))

    def test_climbing_out_of_a_folder_is_refused(self):
        self.assertEqual(1, len(self.faults_of({"src/wire/token.cpp": '#include "../ring/engine.hpp"\n'})))

    def test_a_folder_that_is_no_layer_is_refused(self):
        self.assertEqual(1, len(self.faults_of({"src/misc/x.cpp": "\n"})))

    def test_a_pure_layer_has_no_sockets(self):
        self.assertEqual(1, len(self.faults_of({"src/ring/x.cpp": "#include <sys/socket.h>\n"})))
        self.assertEqual([], self.faults_of({"src/net/x.cpp": "#include <sys/socket.h>\n"}))

    def test_a_header_does_not_include_heavy_libraries(self):
        self.assertEqual(1, len(self.faults_of({"src/net/x.hpp": "#include <nlohmann/json.hpp>\n"})))
        self.assertEqual([], self.faults_of({"src/net/x.cpp": "#include <nlohmann/json.hpp>\n"}))


if __name__ == "__main__":
    unittest.main()
