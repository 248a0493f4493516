// SPDX-License-Identifier: BSD-3-Clause
// What a machine's own kernel says to a daemon that sends: each error that send(2) can give, one after the other.
#include "tests/chaos/fault.hpp"

namespace coterie::chaos {

namespace {

constexpr const char* ip = "/sbin/ip";
constexpr const char* nft = "/usr/sbin/nft";
constexpr const char* tc = "/sbin/tc";

/// A firewall's rule on the machine's own way out: EPERM.
fault forbid(world& where, base::random_source& random) {
    const std::size_t machine = any_machine(where, random);
    const std::size_t link = random.below(where.made_of().links);
    const std::string table = "inet chaos" + std::to_string(random.next());
    const std::string text = "add table " + table + "; add chain " + table +
                             " f { type filter hook output priority 0; }; add rule " + table + " f oifname " +
                             switched_network::card(link) + " udp dport 5405 drop";
    return {
        .where = "node " + std::to_string(machine) + ", link " + std::to_string(link),
        .holds = {},
        .begin = [&where, machine, text] { return where.network().at_host(machine, {nft, text}); },
        .end = [&where, machine, table] { return where.network().at_host(machine, {nft, "delete table " + table}); }};
}

/// A route to another machine that says no in some way.
fault bad_route(world& where, base::random_source& random, const char* kind) {
    const std::size_t machine = any_machine(where, random);
    const std::size_t other = another_machine(where, random, machine);
    const std::size_t link = random.below(where.made_of().links);
    const std::string address = where.network().address(other, link) + "/32";
    const auto change = [&where, machine, kind, address](const char* what) {
        return where.network().at_host(machine, {ip, "route", what, kind, address});
    };
    return {.where = "node " + std::to_string(machine) + " to " + address,
            .holds = {port_of(machine, link), "route " + std::to_string(machine) + " " + address},
            .begin = [change] { return change("add"); },
            .end = [change] { return change("del"); }};
}

/// No route at all: ENETUNREACH.
fault no_route(world& where, base::random_source& random) {
    const std::size_t machine = any_machine(where, random);
    const std::size_t link = random.below(where.made_of().links);
    const std::string net = "10.66." + std::to_string(link) + ".0/24";
    const std::string card = switched_network::card(link);
    const std::string own = where.network().address(machine, link);
    return {.where = "node " + std::to_string(machine) + ", link " + std::to_string(link),
            .holds = {port_of(machine, link)},
            .begin = [&where, machine, net,
                      card] { return where.network().at_host(machine, {ip, "route", "del", net, "dev", card}); },
            .end =
                [&where, machine, net, card, own] {
                    return where.network().at_host(machine,
                                                   {ip, "route", "add", net, "dev", card, "scope", "link", "src", own});
                }};
}

/// The address itself is gone for a while.
fault no_address(world& where, base::random_source& random) {
    const std::size_t machine = any_machine(where, random);
    const std::size_t link = random.below(where.made_of().links);
    return {.where = "node " + std::to_string(machine) + ", link " + std::to_string(link),
            // Without its only address it does not start.
            .holds = {port_of(machine, link), daemon_of(machine)},
            .begin = [&where, machine, link] { return where.network().remove_address(machine, link); },
            .end = [&where, machine, link] { return where.network().add_address(machine, link); }};
}

/// A card that is slow and has hardly a queue: ENOBUFS.
fault no_room(world& where, base::random_source& random) {
    const std::size_t machine = any_machine(where, random);
    const std::size_t link = random.below(where.made_of().links);
    const std::string card = switched_network::card(link);
    return {.where = "node " + std::to_string(machine) + ", link " + std::to_string(link),
            .holds = {port_of(machine, link)},
            .begin =
                [&where, machine, card] {
                    return where.network().at_host(machine, {tc, "qdisc", "add", "dev", card, "root", "tbf", "rate",
                                                             "10mbit", "burst", "4k", "limit", "6k"});
                },
            .end = [&where, machine,
                    card] { return where.network().at_host(machine, {tc, "qdisc", "del", "dev", card, "root"}); }};
}

const fault_kind kinds[] = {
    {.name = "send-eperm",
     .does = "a firewall's rule on a machine's own way out: EPERM",
     .undone = "the rule is taken away",
     .what = leaves::rest,
     .shortest = milliseconds(50),
     .longest = milliseconds(3'000),
     .draw = forbid},
    {.name = "send-einval",
     .does = "a blackhole route to another machine: EINVAL",
     .undone = "taken away",
     .what = leaves::rest,
     .shortest = milliseconds(50),
     .longest = milliseconds(3'000),
     .draw = [](world& where, base::random_source& random) { return bad_route(where, random, "blackhole"); }},
    {.name = "send-ehostunreach",
     .does = "an unreachable route to another machine: EHOSTUNREACH",
     .undone = "taken away",
     .what = leaves::rest,
     .shortest = milliseconds(50),
     .longest = milliseconds(3'000),
     .draw = [](world& where, base::random_source& random) { return bad_route(where, random, "unreachable"); }},
    {.name = "send-eacces",
     .does = "a prohibit route to another machine: EACCES",
     .undone = "taken away",
     .what = leaves::rest,
     .shortest = milliseconds(50),
     .longest = milliseconds(3'000),
     .draw = [](world& where, base::random_source& random) { return bad_route(where, random, "prohibit"); }},
    {.name = "send-enetunreach",
     .does = "a machine has no route to a network: ENETUNREACH",
     .undone = "the route is back",
     .what = leaves::rest,
     .shortest = milliseconds(50),
     .longest = milliseconds(3'000),
     .draw = no_route},
    {.name = "address-gone",
     .does = "a machine loses its address on a link",
     .undone = "it is back",
     .what = leaves::rest,
     .shortest = milliseconds(50),
     .longest = milliseconds(3'000),
     .draw = no_address},
    {.name = "send-enobufs",
     .does = "a card of 10 Mbit/s with a queue of four packets: ENOBUFS",
     .undone = "as fast as before",
     .what = leaves::rest,
     .shortest = milliseconds(200),
     .longest = milliseconds(4'000),
     .draw = no_room},
};

} // namespace

std::span<const fault_kind> sending_faults() { return kinds; }

} // namespace coterie::chaos
