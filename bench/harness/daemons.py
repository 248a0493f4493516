# SPDX-License-Identifier: BSD-3-Clause
"""The daemons that are measured: ours, and Debian's corosync. Both get the same hosts, one after the other, and apart from
how they are scheduled run with the defaults of their packages."""

import errno
import os
import pathlib
import socket
import subprocess

from harness.processes import Failure, Process, eventually, processor_seconds


class Daemons:
    """One on each host of a network: `with Coterie(...) as daemons`."""

    name = ""
    title = ""

    def __init__(self, place, folder, realtime=True, descriptors=None, encrypted=False):
        """`realtime`: SCHED_RR, which is the default of both."""
        self.network = place
        self.folder = pathlib.Path(folder)
        self.descriptors = descriptors
        self._system = "" if realtime else "  sched_rr: no\n"
        self._crypto = self._cipher() if encrypted else ""
        self.processes = {}
        self.wrapper = []  # words before each daemon's command, as of a profiler
        self.killed = set()  # hosts whose daemon was ended on purpose

    def __enter__(self):
        try:
            for host in self.network.hosts:
                self._start(host)
            for host in self.network.hosts:
                if not eventually(lambda at=host: self._serves(at) or not self.processes[at].running(), 20):
                    raise Failure(f"{self.name} of node {host} did not begin to serve\n{self.processes[host].said()}")
            self.check()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for each in self.processes.values():
            each.stop()

    def client(self, name, host, command):
        """Starts a client of the daemon on a host."""
        command = [*self.network.inside(host), *command]
        return Process(f"{self.name}-{name}", command, self.folder, self.environment(host))

    def check(self, but=()):
        """A daemon that has ended spoils every figure."""
        for host, each in self.processes.items():
            if host not in but and not each.running():
                raise Failure(f"{self.name} of node {host} has ended\n{each.said()}")

    def processor_seconds(self):
        """Of all of them together."""
        alive = [each for host, each in self.processes.items() if host not in self.killed]
        return sum(processor_seconds(each.pid) for each in alive)

    def pid(self, host):
        """Of the daemon itself: what was started replaces itself by it."""
        pid = self.processes[host].pid
        name = pathlib.Path(f"/proc/{pid}/comm").read_text().strip()
        if name not in ("coteried", "corosync"):
            raise Failure(f"process {pid} is {name}, not the daemon of node {host}")
        return pid

    def forget_peaks(self):
        """From now on peak_memory_mib() tells of what comes."""
        for host, each in self.processes.items():
            if host not in self.killed:
                pathlib.Path(f"/proc/{each.pid}/clear_refs").write_text("5")

    def peak_memory_mib(self):
        """Of the one that needed most; resident, with what it shares."""
        peaks = []
        for each in self.processes.values():
            status = pathlib.Path(f"/proc/{each.pid}/status").read_text()
            peaks.append(int(status.partition("VmHWM:")[2].split()[0]) / 1024)
        return max(peaks)

    def environment(self, host):
        raise NotImplementedError

    def _start(self, host):
        raise NotImplementedError

    def _serves(self, host):
        raise NotImplementedError

    def _cipher(self):
        """Lines of the section totem for an encrypted cluster: what `pcs` writes, and a key."""
        key = self.folder / "authkey"
        if not key.exists():
            key.write_bytes(os.urandom(1024))
            key.chmod(0o400)
        return f"  crypto_cipher: aes256\n  crypto_hash: sha256\n  keyfile: {key}\n"

    def _configuration(self, host, totem, system):
        text = f"totem {{\n  version: 2\n  cluster_name: bench\n{totem}{self._crypto}"
        text += f"  interface {{\n    linknumber: 0\n    mcastport: {self.network.port}\n  }}\n}}\n"
        if self.network.address(1):
            text += "nodelist {\n"
            for each in self.network.hosts:
                text += f"  node {{\n    nodeid: {each}\n    ring0_addr: {self.network.address(each)}\n  }}\n"
            text += "}\n"
        text += f"system {{\n{system}{self._system}}}\n"
        file = self.folder / f"{self.name}-{host}.conf"
        file.write_text(text + "logging {\n  to_stderr: yes\n  to_syslog: no\n}\n")
        return str(file)

    def _run(self, host, command):
        self.processes[host] = Process(
            f"{self.name}-{host}",
            [*self.network.inside(host), *self.wrapper, *command],
            self.folder,
            descriptors=self.descriptors,
        )


class Coterie(Daemons):
    """coteried and libcpg of a build."""

    name = "coterie"
    title = "Coterie"

    def __init__(self, place, folder, build, realtime=True, descriptors=None, encrypted=False):
        super().__init__(place, folder, realtime, descriptors, encrypted)
        self.build = pathlib.Path(build)

    def environment(self, host):
        return {"LD_LIBRARY_PATH": str(self.build / "lib"), "COTERIE_SOCKET": self.socket(host)}

    def socket(self, host):
        return str(self.folder / f"coterie-{host}.sock")

    def refusal(self):
        """Why the daemon does not take the configuration; None if it does."""
        tested = [self.build / "bin/coteried", "-t", "-c", self._own_configuration(1)]
        if self.network.address(1):
            tested += ["--node", "1"]
        asked = subprocess.run(tested, capture_output=True, text=True, check=False)
        return (asked.stderr or asked.stdout).strip().splitlines()[0] if asked.returncode else None

    def _own_configuration(self, host):
        system = f"  socket_path: {self.socket(host)}\n  state_dir: {self.folder}/coterie-{host}\n"
        return self._configuration(host, "", system)

    def _start(self, host):
        command = [self.build / "bin/coteried", "-f", "-c", self._own_configuration(host)]
        if self.network.address(host):
            command += ["--node", host]
        self._run(host, command)

    def _serves(self, host):
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as tried:
            # Whoever refuses this type of socket is there, too.
            return tried.connect_ex(self.socket(host)) in (0, errno.EPROTOTYPE)


class Corosync(Daemons):
    """Debian's corosync with knet."""

    name = "corosync"
    title = "Corosync"

    def __init__(self, place, folder, packages, realtime=True, encrypted=False):
        super().__init__(place, folder, realtime, None, encrypted)
        self._packages = packages
        if not place.inside(1):
            raise Failure("each corosync needs a network namespace of its own: --network namespaces, or --only coterie")

    def environment(self, host):
        return {"LD_LIBRARY_PATH": self._packages.library_path}

    def _start(self, host):
        state = self.folder / f"corosync-{host}"
        state.mkdir(exist_ok=True)
        configuration = self._configuration(host, "  transport: knet\n", f"  state_dir: {state}\n")
        # Its pid file has one place only, and is locked: each daemon gets a /run of its own. `ip netns exec` has made a
        # mount namespace, so that nobody else sees that one. Its sockets are abstract, and so belong to the network.
        script = 'mount -t tmpfs none /run && LD_LIBRARY_PATH=$1 exec "$2" -f -c "$3"'
        libraries = self._packages.library_path
        self._run(host, ["sh", "-c", script, "sh", libraries, self._packages.program, configuration])

    def refusal(self):
        return None

    def _serves(self, host):
        command = [*self.network.inside(host), "cat", "/proc/net/unix"]
        return "@cpg" in subprocess.run(command, capture_output=True, text=True, check=False).stdout
