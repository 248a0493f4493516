# SPDX-License-Identifier: BSD-3-Clause
"""Where Debian's corosync is. Installing it would start it as a service; so, unless it is installed already, its packages
are unpacked into a folder of the build, and nothing else on the machine changes."""

import contextlib
import pathlib
import subprocess

from harness.processes import Failure, run

WANTED = ("corosync", "libcpg4", "libcorosync-common4")
BY_HAND = """Debian's Corosync is neither installed nor could its packages be fetched:
  {why}
Install it by hand, without letting it run:

  sudo systemctl mask corosync.service
  sudo apt-get install --no-install-recommends {packages}

or measure without it: --only coterie"""


class Place:
    """The daemon's program, the folders of its libraries, and the version."""

    def __init__(self, root, version):
        self.version = version
        self.program = root / "usr/sbin/corosync"
        folders = {each.parent for each in root.glob("usr/lib/*/libcpg.so.4")}
        # Some packages have their libraries below /lib, which is the same folder on a system that is installed.
        folders |= {each.parent for each in root.glob("lib/*/*.so*") if root != pathlib.Path("/")}
        self.library_path = ":".join(map(str, sorted(folders)))


def find(folder):
    """The installed one, or else the one unpacked in `folder`, which is filled when it is not there."""
    versions = [installed(each) for each in WANTED]
    if all(versions) and pathlib.Path("/usr/sbin/corosync").exists():
        return Place(pathlib.Path("/"), versions[0])
    root = folder / "root"
    if not (folder / "version").exists():
        try:
            version = _unpack(folder, root)
        except (Failure, FileNotFoundError) as why:
            raise Failure(BY_HAND.format(why=why, packages=" ".join(WANTED))) from None
        (folder / "version").write_text(version)
    return Place(root, (folder / "version").read_text())


def installed(package):
    """Its version, or None."""
    with contextlib.suppress(FileNotFoundError):
        asked = ["dpkg-query", "--show", "--showformat=${db:Status-Status} ${Version}", package]
        said = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.split()
        if said and said[0] == "installed":
            return said[1]
    return None


def _unpack(folder, root):
    root.mkdir(parents=True, exist_ok=True)
    # Whatever apt would install, with all that the packages depend on and that is not there.
    planned = run("apt-get", "--simulate", "--no-install-recommends", "install", *WANTED)
    packages = [line.split()[1] for line in planned.splitlines() if line.startswith("Inst ")]
    packages = sorted({*packages, *WANTED})
    # apt's own user may not write here.
    command = ["apt-get", "-o", "APT::Sandbox::User=root", "download", *packages]
    fetched = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if fetched.returncode != 0:
        raise Failure(f"`apt-get download` failed: {fetched.stderr.strip()}")
    for archive in sorted(folder.glob("*.deb")):
        run("dpkg-deb", "--extract", str(archive), str(root))
        archive.unlink()
    return run("apt-cache", "show", "--no-all-versions", "corosync").partition("\nVersion: ")[2].split()[0]
