#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The Debian packages, built, installed into a root of their own, used from there and removed.

dpkg installs into a scratch folder with a database of its own, in which only the packages are known that ours depend on.
Nothing of the machine is changed, and nothing is fetched.

    package_test.py BUILD_FOLDER SOURCE_FOLDER
"""

import glob
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest

BUILD = SOURCE = ""
PACKAGES = ["coterie", "coterie-tools", "libcoterie-cpg-dev", "libcpg4-coterie"]
PATIENCE_S = 20


def run(*words, **options):
    """Runs a program to its end; what it said on both outputs. Fails unless its status is as expected."""
    expected = options.pop("status", 0)
    options.setdefault("timeout", 60)
    done = subprocess.run(words, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, **options)
    if done.returncode != expected:
        raise AssertionError(f"{' '.join(words)} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def eventually(what):
    end = time.monotonic() + PATIENCE_S
    while not what():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


class Root:
    """A scratch root with a dpkg database."""

    def __init__(self, folder):
        self.folder = folder
        self.database = os.path.join(folder, "var/lib/dpkg")
        for name in ("info", "updates", "triggers"):
            os.makedirs(os.path.join(self.database, name))
        open(os.path.join(self.database, "available"), "w", encoding="utf-8").close()
        os.makedirs(os.path.join(folder, "run"))
        self._know_dependencies()

    def _know_dependencies(self):
        """Takes the packages that ours may depend on, without what these need, from the machine's database."""
        fields = ("Package", "Status", "Architecture", "Multi-Arch", "Version", "Provides", "Maintainer")
        wanted = r"libc6|libgcc-s1|libstdc\+\+6|libfmt9|libspdlog1\S*|libssl3|libxxhash0|libsystemd0|libqb100"
        known = run("dpkg-query", "--show", "--showformat=${Package}\n").split()
        with open(os.path.join(self.database, "status"), "w", encoding="utf-8") as status:
            for name in sorted({each for each in known if re.fullmatch(wanted, each)}):
                rows = ["%s: ${%s}\n" % (field, field) for field in fields]
                text = run("dpkg-query", "--show", "--showformat=" + "".join(rows) + "Description: stands in\n", name)
                status.write(re.sub(r"(?m)^[-A-Za-z]+: \n", "", text) + "\n")

    def dpkg(self, *words, status=0):
        command = ["dpkg", "--root=" + self.folder, "--log=/dev/null", "--force-not-root",
                   "--force-script-chrootless", *words]
        if os.geteuid() != 0:
            command.insert(0, "fakeroot")
        return run(*command, status=status)

    def installed(self):
        rows = run("dpkg-query", "--admindir=" + self.database, "--show", "--showformat=${db:Status-Status} ${Package}\n")
        return {row.split()[1] for row in rows.splitlines() if row.startswith("installed ")}

    def files(self):
        result = set()
        for folder, folders, files in os.walk(self.folder):
            if os.path.commonpath([folder, self.database]) != self.database:
                result |= {os.path.relpath(os.path.join(folder, each), self.folder) for each in folders + files}
        return result

    def __truediv__(self, path):
        return os.path.join(self.folder, path)


class Packages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="coterie-package-")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.made = os.path.join(cls.folder, "packages")
        run("cpack", "--config", os.path.join(BUILD, "CPackConfig.cmake"), "-B", cls.made, cwd=BUILD)
        cls.files = {name: glob.glob(os.path.join(cls.made, name + "_*.deb"))[0] for name in PACKAGES}

    def setUp(self):
        self.root = Root(tempfile.mkdtemp(dir=self.folder))
        contents = run("dpkg-deb", "--contents", self.files["libcpg4-coterie"])
        self.libraries = re.search(r"\./(usr/lib\S*)/libcpg\.so\.4 ", contents).group(1)

    def field(self, package, name):
        return run("dpkg-deb", "--field", self.files[package], name).strip()

    def install(self, *names):
        return self.root.dpkg("--install", *(self.files[name] for name in names))

    def environment(self, **more):
        return os.environ | {"LD_LIBRARY_PATH": self.root / self.libraries,
                             "COTERIE_SOCKET": self.root / "run/coterie/coteried.sock", **more}

    def start_daemon(self, **more):
        """The installed daemon, on no network, with the folders that it has by default, below the root."""
        configuration = os.path.join(self.root.folder, "coterie.conf")
        with open(configuration, "w", encoding="utf-8") as out:
            out.write("system {\n    state_dir: %s\n}\n" % (self.root / "var/lib/coterie"))
        daemon = subprocess.Popen([self.root / "usr/sbin/coteried", "-f", "-c", configuration],
                                  env=self.environment(**more), stderr=subprocess.PIPE, text=True)
        self.addCleanup(daemon.stderr.close)
        self.addCleanup(daemon.wait)
        self.addCleanup(daemon.kill)
        sock = self.root / "run/coterie/coteried.sock"
        self.assertTrue(eventually(lambda: os.path.exists(sock)), "the daemon opens its socket")
        return daemon

    def test_the_installed_files_serve_a_program_built_with_the_installed_headers(self):
        before = self.root.files()
        self.install(*PACKAGES)
        self.assertLessEqual(set(PACKAGES), self.root.installed())
        daemon = self.start_daemon()
        status = json.loads(run(self.root / "usr/bin/coterie", "status", "--json", env=self.environment()))
        self.assertEqual(status["daemon"]["version"], self.field("coterie", "Version").split("-")[0])

        hello = self.build_hello()
        with subprocess.Popen(["stdbuf", "-oL", hello], env=self.environment(), stdout=subprocess.PIPE,
                              text=True) as member:
            try:
                self.assertEqual(member.stdout.readline(), "1 members now; 0 left, 1 joined\n")
                self.assertRegex(member.stdout.readline(), "^1/[0-9]+ says: hello, everyone\n")
                listed = run(self.root / "usr/bin/coterie", "groups", "--names", env=self.environment())
                self.assertEqual(listed, "hello\n")
            finally:
                member.kill()

        daemon.send_signal(signal.SIGTERM)
        self.assertEqual(daemon.wait(PATIENCE_S), 0)
        os.unlink(hello)
        os.unlink(self.root / "coterie.conf")
        self.root.dpkg("--purge", *PACKAGES)
        self.assertEqual(self.root.files() - before, set(), "nothing is left behind")

    def build_hello(self):
        examples = self.root / "usr/share/doc/libcoterie-cpg-dev/examples"
        folder = self.root / (self.libraries + "/pkgconfig")
        flags = run("pkg-config", "--cflags", "--libs", "libcpg", "libcorosync_common",
                    env=os.environ | {"PKG_CONFIG_LIBDIR": folder}).split()
        self.assertTrue(all(self.root.folder in each or each.startswith("-l") for each in flags),
                        f"the flags lead into the root: {flags}")
        program = self.root / "hello"
        run("g++", "-std=c++20", os.path.join(examples, "hello.cpp"), *flags, "-o", program)
        return program

    def test_a_removed_daemon_keeps_its_state_until_it_is_purged(self):
        self.install("coterie")
        state = self.root / "var/lib/coterie/epoch"
        os.makedirs(os.path.dirname(state))
        open(state, "w", encoding="utf-8").close()
        self.root.dpkg("--remove", "coterie")
        self.assertTrue(os.path.exists(state))
        self.root.dpkg("--purge", "coterie")
        self.assertFalse(os.path.exists(os.path.dirname(state)))

    def test_the_libraries_take_the_place_of_debians_and_programs_that_need_those_stay(self):
        self.install_stand_in("libcorosync-common4", "3.1.7-1+deb12u2")
        self.install_stand_in("libcpg4", "3.1.7-1+deb12u2", depends="libcorosync-common4 (>= 1.99.9)")
        self.install_stand_in("some-program", "1.0", depends="libcpg4 (>= 1.1.0), libcorosync-common4 (>= 1.99.9)")
        self.install("libcpg4-coterie")
        self.assertLessEqual({"some-program", "libcpg4-coterie"}, self.root.installed())
        self.assertFalse({"libcpg4", "libcorosync-common4"} & self.root.installed())
        with open(self.root / (self.libraries + "/libcpg.so.4"), "rb") as library:
            self.assertEqual(library.read(4), b"\x7fELF")

    def install_stand_in(self, name, version, depends=""):
        """A package by the name of one of Debian's, with a library's file if it is one."""
        tree = tempfile.mkdtemp(dir=self.folder)
        os.makedirs(os.path.join(tree, "DEBIAN"))
        if name.startswith("lib"):
            library = {"libcpg4": "libcpg.so.4", "libcorosync-common4": "libcorosync_common.so.4"}[name]
            folder = os.path.join(tree, self.libraries)
            os.makedirs(folder)
            with open(os.path.join(folder, library), "w", encoding="utf-8") as out:
                out.write("stand-in\n")
        with open(os.path.join(tree, "DEBIAN/control"), "w", encoding="utf-8") as out:
            out.write(f"Package: {name}\nVersion: {version}\nArchitecture: {self.field('coterie', 'Architecture')}\n"
                      f"Maintainer: nobody <nobody@coterie.invalid>\nDescription: stands in\n")
            if depends:
                out.write(f"Depends: {depends}\n")
        os.chmod(os.path.join(tree, "DEBIAN"), 0o755)
        package = tree + ".deb"
        run("dpkg-deb", "--root-owner-group", "--build", tree, package)
        self.root.dpkg("--install", package)

    def test_the_tools_come_with_the_libraries_of_their_release_alone(self):
        said = self.root.dpkg("--install", self.files["coterie-tools"], status=1)
        self.assertIn("libcpg4-coterie", said)
        release = self.field("coterie-tools", "Version")
        self.assertIn(f"libcpg4-coterie (= {release})", self.field("coterie-tools", "Depends"))

    def test_programs_built_on_the_packages_run_on_debians_as_well(self):
        control = os.path.join(self.folder, "control")
        run("dpkg-deb", "--control", self.files["libcpg4-coterie"], control)
        with open(os.path.join(control, "shlibs"), encoding="utf-8") as shlibs:
            self.assertIn("libcpg 4 libcpg4-coterie | libcpg4\n", shlibs.read())

    def test_the_packages_have_manuals_completion_and_a_licence(self):
        self.install(*PACKAGES)
        for path in ("share/man/man8/coteried.8", "share/man/man8/coterie.8", "share/man/man5/coterie.conf.5",
                     "share/bash-completion/completions/coterie", "share/zsh/vendor-completions/_coterie",
                     "share/doc/coterie/examples/coterie.conf.example", "share/coterie/demo.txt",
                     *(f"share/doc/{each}/copyright" for each in PACKAGES)):
            self.assertTrue(os.path.getsize(self.root / ("usr/" + path)), path)
        with open(self.root / "usr/share/bash-completion/completions/coterie", encoding="utf-8") as script:
            self.assertIn("status", script.read())
        example = self.root / "usr/share/doc/coterie/examples/coterie.conf.example"
        self.assertIn("is in order", run(self.root / "usr/sbin/coteried", "-t", "-c", example))

    def test_the_unit_is_accepted_by_systemd(self):
        if not shutil.which("systemd-analyze"):
            self.skipTest("systemd-analyze is not installed")
        self.install("coterie")
        for name in ("network-online.target", "multi-user.target", "sysinit.target", "basic.target", "shutdown.target"):
            with open(self.root / f"usr/lib/systemd/system/{name}", "w", encoding="utf-8") as out:
                out.write("[Unit]\nDescription=stands in\n")
        os.makedirs(self.root / "bin")
        shutil.copy("/bin/kill", self.root / "bin/kill")
        said = run("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", "--root=" + self.root.folder,
                   "coteried.service")
        self.assertEqual(said, "")
        exposure = run("systemd-analyze", "security", "--offline=true", "--threshold=45", "--root=" + self.root.folder,
                       "coteried.service")
        self.assertIn("Overall exposure level", exposure)

    def test_the_unit_says_of_the_daemon_what_is_true(self):
        self.install("coterie")
        with open(self.root / "usr/lib/systemd/system/coteried.service", encoding="utf-8") as unit:
            lines = unit.read().splitlines()
        place = os.path.join(self.folder, "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
            listener.bind(place)
            listener.settimeout(1)
            daemon = self.start_daemon(NOTIFY_SOCKET=place)
            try:
                tells = b"READY=1" in listener.recv(4096)
            except TimeoutError:
                tells = False
        self.assertIn("Type=notify" if tells else "Type=exec", lines, "packaging/coteried.service, as the daemon is")
        daemon.send_signal(signal.SIGHUP)
        time.sleep(0.3)
        reloads = daemon.poll() is None
        self.assertEqual("ExecReload=/bin/kill -HUP $MAINPID" in lines, reloads, "packaging/coteried.service")


class Manuals(unittest.TestCase):
    def page(self, name):
        with open(os.path.join(SOURCE, "man", name), encoding="utf-8") as text:
            return text.read().replace("\\-", "-")

    def test_are_without_fault(self):
        for page in sorted(glob.glob(os.path.join(SOURCE, "man/*.[1-9]"))):
            self.assertEqual(run("groff", "-man", "-Tutf8", "-ww", "-z", page), "", page)

    def test_name_every_command(self):
        page = self.page("coterie.8")
        commands = re.search(r"Subcommands:\n(.*)", run(os.path.join(BUILD, "bin/coterie"), "--help"), re.S).group(1)
        names = re.findall(r"(?m)^  (\w+) ", commands)
        self.assertIn("status", names)
        for name in names:
            self.assertIn(f"\n.SS {name}\n", page)
        for name in ("status", "groups", "cat"):
            for option in re.findall(r"--[a-z-]+", run(os.path.join(BUILD, "bin/coterie"), name, "--help")):
                if option not in ("--help", "--sender"):
                    self.assertIn(option, page, name)

    def test_name_every_key_that_is_honoured(self):
        page = self.page("coterie.conf.5")
        with open(os.path.join(SOURCE, "docs/configuration.md"), encoding="utf-8") as text:
            keys = re.findall(r"(?m)^\| `([a-z0-9_.]+)` \| honoured ", text.read())
        self.assertIn("totem.token", keys)
        for key in keys:
            self.assertRegex(page, r"\b" + key.rsplit(".", 1)[1] + r"\b", key)

    def test_name_every_option_of_the_daemon(self):
        page = self.page("coteried.8")
        for option in re.findall(r"--[a-z-]+", run(os.path.join(BUILD, "bin/coteried"), "-h")):
            self.assertIn(option, page)


if __name__ == "__main__":
    BUILD, SOURCE = (os.path.abspath(each) for each in sys.argv[1:3])
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
