# SPDX-License-Identifier: BSD-3-Clause
"""Where daemons run: machines on a switch, played by network namespaces; loopback addresses; or one node on no network.
The machine's own network is not touched."""

import contextlib
import os
import pathlib
import socket
import subprocess

from harness.processes import Failure, run

PREFIX = "coterie-bench"


def network(kind, hosts, mtu=1500):
    """The network of that kind for so many hosts, as a context. Only namespaces have an MTU of their own."""
    if hosts == 1 and kind != "namespaces":
        return Alone()
    return Switch(hosts, mtu) if kind == "namespaces" else Loopback(hosts)


class Network:
    """Hosts are numbered from 1 on."""

    port = 5405

    def __init__(self, hosts):
        self.hosts = range(1, hosts + 1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def address(self, host):
        """None: on no network."""
        raise NotImplementedError

    def inside(self, host):
        """The words before a command that is to run on that host."""
        return []


class Alone(Network):
    def __init__(self):
        super().__init__(1)

    def address(self, host):
        return None


class Loopback(Network):
    """All on this machine, 127.0.0.1 and so on: without root, and without the way through a network device."""

    def __init__(self, hosts):
        super().__init__(hosts)
        # One that nobody has now; below the range from which the kernel takes ports for others.
        for port in range(20_000 + os.getpid() % 5_000, 32_000):
            with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
                for host in self.hosts:
                    tried = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
                    tried.bind((self.address(host), port))
                self.port = port
                return
        raise Failure("no UDP port is free on all of 127.0.0.1 and the following addresses")

    def address(self, host):
        return f"127.0.0.{host}"


class Switch(Network):
    """A network namespace for each host, joined by veth pairs and a bridge in one more. Needs root."""

    def __init__(self, hosts, mtu=1500):
        super().__init__(hosts)
        self._mtu = str(mtu)
        self._stack = contextlib.ExitStack()

    def __enter__(self):
        if os.geteuid() != 0:
            raise Failure("network namespaces need root: run this with sudo, or give --network loopback")
        _remove_leftovers()
        with contextlib.ExitStack() as stack:
            self._make(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *what):
        self._stack.__exit__(*what)

    def address(self, host):
        return f"10.77.0.{host}"

    def inside(self, host):
        return ["ip", "netns", "exec", self._name(host)]

    def unplug(self, host):
        """Its cable: nothing gets in or out, and its card has no carrier."""
        run("ip", "-n", self._name("switch"), "link", "set", f"p{host}", "down")

    def plug_in(self, host):
        run("ip", "-n", self._name("switch"), "link", "set", f"p{host}", "up")

    def _make(self, stack):
        switch = self._namespace(stack, "switch")
        run("ip", "-n", switch, "link", "add", "name", "br0", "type", "bridge")
        run("ip", "-n", switch, "link", "set", "br0", "up")
        for host in self.hosts:
            place, port = self._namespace(stack, host), f"p{host}"
            pair = ["mtu", self._mtu, "type", "veth", "peer", "name", "eth0", "mtu", self._mtu, "netns", place]
            run("ip", "-n", switch, "link", "add", port, *pair)
            run("ip", "-n", switch, "link", "set", port, "master", "br0")
            run("ip", "-n", switch, "link", "set", port, "up")
            run("ip", "-n", place, "addr", "add", f"{self.address(host)}/24", "dev", "eth0")
            run("ip", "-n", place, "link", "set", "eth0", "up")
            run("ip", "-n", place, "link", "set", "lo", "up")

    def _namespace(self, stack, place):
        name = self._name(place)
        # Before it is made, so that an interruption in between leaves nothing behind.
        stack.callback(_delete, name)
        run("ip", "netns", "add", name)
        return name

    @staticmethod
    def _name(place):
        return f"{PREFIX}-{os.getpid()}-{place}"


def _delete(name):
    subprocess.run(["ip", "netns", "delete", name], check=False, capture_output=True)


def _remove_leftovers():
    """Those of runs that were killed: the process in their name does not exist."""
    with contextlib.suppress(FileNotFoundError):
        for each in pathlib.Path("/run/netns").iterdir():
            owner = each.name.removeprefix(PREFIX + "-").partition("-")[0]
            if each.name.startswith(PREFIX + "-") and owner.isdigit() and not pathlib.Path("/proc", owner).exists():
                _delete(each.name)
