// SPDX-License-Identifier: BSD-3-Clause
// What happens between the machines: cables, cuts of all shapes, loss, small packets only, late packets.
#include "tests/chaos/fault.hpp"

#include "tests/chaos/delay.hpp"

#include <memory>

namespace coterie::chaos {

namespace {

constexpr const char* nft = "/usr/sbin/nft";
constexpr const char* bridge_command = "/sbin/bridge";

/// A fault made of rules for what the switch forwards.
fault filtered(world& where, base::random_source& random, std::string place, std::vector<std::string> holds,
               std::vector<std::string> rules) {
    const std::string table = "bridge chaos" + std::to_string(random.next());
    std::string text = "add table " + table + "; add chain " + table + " f { type filter hook forward priority 0; }";
    for (const std::string& each : rules) {
        text += "; add rule " + table + " f " + each;
    }
    return {.where = std::move(place),
            .holds = std::move(holds),
            .begin = [&where, text] { return where.network().at_switch({nft, text}); },
            .end = [&where, table] { return where.network().at_switch({nft, "delete table " + table}); }};
}

/// A machine's port as rules name it: while its packets are late another one stands for it.
std::string ports(std::size_t machine, std::size_t link) {
    const std::string port = switched_network::port(machine, link);
    return "{ \"" + port + "\", \"" + delay::stand_in(port) + "\" }";
}

std::string from_to(std::size_t from, std::size_t to, std::size_t link) {
    return "iifname " + ports(from, link) + " oifname " + ports(to, link) + " drop";
}

std::string pair_of(std::size_t one, std::size_t other, const char* between) {
    return std::to_string(one) + between + std::to_string(other);
}

std::size_t any_link(const world& where, base::random_source& random) { return random.below(where.made_of().links); }

/// A port of the switch, or a machine's card.
fault unplug(world& where, base::random_source& random, bool seen_by_host) {
    const std::size_t machine = any_machine(where, random);
    const std::size_t link = any_link(where, random);
    return {.where = "node " + std::to_string(machine) + ", link " + std::to_string(link),
            .holds = {port_of(machine, link)},
            .begin =
                [&where, machine, link, seen_by_host] {
                    return seen_by_host ? where.network().take_down(machine, link)
                                        : where.network().cut_off(machine, link);
                },
            .end =
                [&where, machine, link, seen_by_host] {
                    return seen_by_host ? where.network().take_up(machine, link)
                                        : where.network().join_again(machine, link);
                }};
}

fault isolate(world& where, base::random_source& random) {
    const std::size_t machine = any_machine(where, random);
    std::vector<std::string> rules;
    for (std::size_t link = 0; link < where.made_of().links; ++link) {
        rules.push_back("iifname " + ports(machine, link) + " drop");
        rules.push_back("oifname " + ports(machine, link) + " drop");
    }
    return filtered(where, random, "node " + std::to_string(machine), {}, rules);
}

/// Each machine is on one of two sides; neither is empty.
fault split(world& where, base::random_source& random) {
    const std::size_t count = where.made_of().machines;
    const std::uint64_t sides = 1 + random.below((std::uint64_t{1} << count) - 2);
    std::vector<std::string> rules;
    std::string left;
    for (std::size_t one = 1; one <= count; ++one) {
        const bool mine = (sides >> (one - 1) & 1U) != 0;
        left += mine ? " " + std::to_string(one) : "";
        for (std::size_t other = 1; other <= count; ++other) {
            for (std::size_t link = 0; link < where.made_of().links && mine != ((sides >> (other - 1) & 1U) != 0);
                 ++link) {
                rules.push_back(from_to(one, other, link));
            }
        }
    }
    return filtered(where, random, "nodes" + left + " from the others", {}, rules);
}

fault cut_one_way(world& where, base::random_source& random) {
    const std::size_t from = any_machine(where, random);
    const std::size_t to = another_machine(where, random, from);
    std::vector<std::string> rules;
    for (std::size_t link = 0; link < where.made_of().links; ++link) {
        rules.push_back(from_to(from, to, link));
    }
    return filtered(where, random, pair_of(from, to, " to "), {}, rules);
}

/// Two machines that do not hear each other on a switch on which all others hear both.
fault cut_pair(world& where, base::random_source& random) {
    const std::size_t one = any_machine(where, random);
    const std::size_t other = another_machine(where, random, one);
    std::vector<std::string> holds;
    for (std::size_t link = 0; link < where.made_of().links; ++link) {
        // Two such pairs would be more pairs: ports are isolated from all isolated ones.
        holds.push_back("isolated ports " + std::to_string(link));
    }
    const auto isolate_ports = [&where, one, other](const char* state) {
        bool good = true;
        for (std::size_t link = 0; link < where.made_of().links; ++link) {
            for (const std::size_t each : {one, other}) {
                good = where.network().at_switch({bridge_command, "link", "set", "dev",
                                                  switched_network::port(each, link), "isolated", state}) &&
                       good;
            }
        }
        return good;
    };
    for (const std::size_t each : {one, other}) {
        for (std::size_t link = 0; link < where.made_of().links; ++link) {
            // Taken out of the bridge a port would forget it.
            holds.push_back(port_of(each, link));
        }
    }
    return {.where = pair_of(one, other, " and "),
            .holds = std::move(holds),
            .begin = [isolate_ports] { return isolate_ports("on"); },
            .end = [isolate_ports] { return isolate_ports("off"); }};
}

/// One link of several, between all machines.
fault cut_link(world& where, base::random_source& random) {
    const std::size_t link = any_link(where, random);
    std::vector<std::string> rules;
    for (std::size_t machine = 1; machine <= where.made_of().machines; ++machine) {
        rules.push_back("iifname " + ports(machine, link) + " drop");
    }
    return filtered(where, random, "link " + std::to_string(link), {"links"}, rules);
}

fault lose(world& where, base::random_source& random, std::uint64_t least, std::uint64_t most) {
    const std::uint64_t percent = least + random.below(most - least + 1);
    return filtered(where, random, std::to_string(percent) + " %", {"loss"},
                    {"numgen random mod 100 < " + std::to_string(percent) + " drop"});
}

/// The switch throws away what is larger, without a word.
fault shrink(world& where, base::random_source& random) {
    const std::size_t machine = any_machine(where, random);
    const std::size_t link = any_link(where, random);
    return {.where = "node " + std::to_string(machine) + ", link " + std::to_string(link),
            .holds = {port_of(machine, link)},
            .begin = [&where, machine, link] { return where.network().take_no_larger(machine, link, 1'300); },
            .end = [&where, machine,
                    link] { return where.network().take_no_larger(machine, link, tests::switched_network::mtu); }};
}

/// All that a machine sends and gets on a link is late, and how late jumps all the time.
fault be_late(world& where, base::random_source& random) {
    const std::size_t machine = any_machine(where, random);
    const std::size_t link = any_link(where, random);
    auto relay = std::make_shared<delay>(where.network(), machine, link, random.next());
    return {.where = "node " + std::to_string(machine) + ", link " + std::to_string(link),
            .holds = {port_of(machine, link)},
            .begin = [relay] { return relay->begin(); },
            .end = [relay] { return relay->end(); }};
}

bool several_links(const shape& what) { return what.links > 1; }
bool several_machines(const shape& what) { return what.machines > 2; }

const fault_kind kinds[] = {
    {.name = "card-down",
     .does = "a machine takes its own end of a link down",
     .undone = "and up again",
     .what = leaves::rest,
     .shortest = milliseconds(50),
     .longest = milliseconds(4'000),
     .draw = [](world& where, base::random_source& random) { return unplug(where, random, true); }},
    {.name = "port-out",
     .does = "a machine's port is taken out of its bridge",
     .undone = "put back",
     .what = leaves::rest,
     .shortest = milliseconds(50),
     .longest = milliseconds(4'000),
     .draw = [](world& where, base::random_source& random) { return unplug(where, random, false); }},
    {.name = "link-cut",
     .does = "one of several links carries nothing at all",
     .undone = "carries again",
     .what = leaves::views,
     .shortest = milliseconds(50),
     .longest = milliseconds(4'000),
     .draw = cut_link,
     .fits = several_links},
    {.name = "machine-cut",
     .does = "nothing to or from one machine passes, on any link",
     .undone = "passes again",
     .what = leaves::rest,
     .shortest = milliseconds(50),
     .longest = milliseconds(4'000),
     .draw = isolate},
    {.name = "split",
     .does = "the machines are cut into two sides, on all links",
     .undone = "joined again",
     .what = leaves::rest,
     .shortest = milliseconds(50),
     .longest = milliseconds(5'000),
     .draw = split},
    {.name = "one-way-cut",
     .does = "what one machine sends to another is thrown away, on all links",
     .undone = "passes again",
     .what = leaves::rest,
     .shortest = milliseconds(50),
     .longest = milliseconds(5'000),
     .draw = cut_one_way},
    {.name = "pair-cut",
     .does = "two machines do not hear each other, all others hear both",
     .undone = "hear each other again",
     .what = leaves::rest,
     .shortest = milliseconds(50),
     .longest = milliseconds(5'000),
     .draw = cut_pair,
     .fits = several_machines},
    {.name = "loss-light",
     .does = "1 to 5 packets of 100 are lost, at random",
     .undone = "none are",
     .what = leaves::views,
     .shortest = milliseconds(200),
     .longest = milliseconds(6'000),
     .draw = [](world& where, base::random_source& random) { return lose(where, random, 1, 5); }},
    {.name = "loss-heavy",
     .does = "10 to 60 packets of 100 are lost, at random",
     .undone = "none are",
     .what = leaves::rest,
     .shortest = milliseconds(200),
     .longest = milliseconds(4'000),
     .draw = [](world& where, base::random_source& random) { return lose(where, random, 10, 60); }},
    {.name = "mtu-shrinks",
     .does = "a machine's port takes 1300 bytes, and throws away what is larger without a word",
     .undone = "1500 again",
     .what = leaves::rest,
     .shortest = milliseconds(200),
     .longest = milliseconds(4'000),
     .draw = shrink},
    {.name = "late",
     .does = "what a machine sends and gets on a link is late by 0 to 80 ms each way, which jumps all the time",
     .undone = "in time again",
     .what = leaves::views,
     .shortest = milliseconds(500),
     .longest = milliseconds(6'000),
     .draw = be_late},
};

} // namespace

std::span<const fault_kind> network_faults() { return kinds; }

} // namespace coterie::chaos
