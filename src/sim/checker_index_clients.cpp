// SPDX-License-Identifier: BSD-3-Clause
// Sorting a trace, the part of the clients: what each asked for, what became of its messages, and to which of its
// memberships belongs what it saw.
#include "sim/checker_index.hpp"
#include "sim/words.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <tuple>

namespace coterie::sim::checking {

namespace {

bool lists(const std::vector<trace::departed>& entries, const process& who) {
    return std::ranges::find(entries, who, &trace::departed::who) != entries.end();
}

} // namespace

std::size_t sorted_trace::text_hash::operator()(const text_key& key) const {
    std::uint64_t mixed = key.digest ^ (std::uint64_t{key.sender.node.value} << 32U | key.sender.pid);
    mixed = (mixed ^ key.group) * 0x9e3779b97f4a7c15U;
    return mixed ^ mixed >> 29U;
}

/// The latest life of the client's node that began before the client did.
void sorted_trace::find_daemon(client& one) const {
    const std::int64_t opened = events[_client_events[static_cast<std::size_t>(&one - clients.data())].front()].time_ns;
    std::int64_t best = 0;
    for (std::size_t at = 0; at < lives.size(); ++at) {
        const life& candidate = lives[at];
        if (candidate.who.node != one.who.node) {
            continue;
        }
        const std::int64_t began = events[candidate.events.front()].time_ns;
        const bool over = candidate.ended != none && events[candidate.ended].time_ns < opened;
        if (began <= opened && !over && (one.life == none || began >= best)) {
            best = began;
            one.life = at;
        }
    }
}

/// What the client asked for and was granted.
void sorted_trace::follow_requests(std::size_t at, findings& found) {
    client& one = clients[at];
    for (const std::size_t place : _client_events[at]) {
        const event& what = events[place];
        if (one.ended != none) {
            found.add(malformed_trace, fmt::format("{} goes on after its end", name(one)), {place, one.ended});
            continue;
        }
        membership* latest = one.memberships.empty() ? nullptr : &memberships[one.memberships.back()];
        switch (what.kind) {
        case event_kind::client_opened: one.opened = place; break;
        case event_kind::client_join: {
            if (latest != nullptr && latest->leave == none) {
                found.add(11, fmt::format("{} may join though it has not left", name(one)), {place, latest->join});
            }
            membership next;
            next.client = at;
            next.group = group_number(what.group);
            next.join = place;
            one.memberships.push_back(memberships.size());
            memberships_of[one.who].push_back(memberships.size());
            memberships.push_back(std::move(next));
            break;
        }
        case event_kind::client_leave:
            if (latest == nullptr || latest->leave != none) {
                found.add(11, fmt::format("{} may leave though it has not joined", name(one)), {place});
            } else {
                latest->leave = place;
            }
            break;
        case event_kind::client_accepted: {
            const std::size_t group = group_number(what.group);
            if (latest == nullptr || latest->leave != none || latest->group != group) {
                found.add(11, fmt::format("{} may send to a group that it is not in", name(one)), {place});
                break;
            }
            const auto [known, is_new] = _message_of.try_emplace({one.who, group, what.message}, messages.size());
            if (!is_new) {
                if (options.messages_unique) {
                    found.add(malformed_trace, fmt::format("{} sends the same bytes twice", name(one)), {place});
                }
                group_ambiguous[group] = true;
            }
            message_of[place] = messages.size();
            latest->accepted.push_back(messages.size());
            messages.push_back(
                {one.who, one.memberships.back(), latest->accepted.size() - 1, group, place, none, none, none});
            break;
        }
        case event_kind::client_closed:
        case event_kind::client_failed: one.ended = place; break;
        default: break;
        }
    }
}

/// Which packet each message went out in, and the order of all messages.
void sorted_trace::number_messages(findings& found) {
    for (std::size_t place = 0; place < events.size(); ++place) {
        const event& what = events[place];
        if (what.kind != event_kind::message_numbered || packet_of[place] == none) {
            continue;
        }
        const packet& in = packets[packet_of[place]];
        if (in.numbered == none || in.life != life_of({what.node, {what.stream}})) {
            found.add(1, fmt::format("{} {}, which it did not number", in_words(what.node), in_words(what)), {place});
            continue;
        }
        const std::size_t group = group_number(what.group);
        const std::size_t like = message_like(what.who, group, what.message);
        if (like == none) {
            if (options.all_clients_traced) {
                found.add(14, fmt::format("{} {}, which nobody sent", in_words(what.node), in_words(what)), {place});
            }
            continue;
        }
        if (group_ambiguous[group]) {
            continue;
        }
        message& one = messages[like];
        message_of[place] = like;
        if (one.numbered != none) {
            found.add(1, fmt::format("{} numbers a message of {} twice", in_words(what.node), in_words(what.who)),
                      {place, one.numbered});
            continue;
        }
        if (events[one.accepted].safe != what.safe) {
            found.add(7,
                      fmt::format("a message of {} is accepted as {} and numbered as {}", in_words(what.who),
                                  events[one.accepted].safe ? "safe" : "agreed", what.safe ? "safe" : "agreed"),
                      {place, one.accepted});
        }
        if (what.safe && !in.safe) {
            found.add(7,
                      fmt::format("a safe message of {} goes out in packet {} {}, which is not safe",
                                  in_words(what.who), in_words(what.view), what.number.value),
                      {place, one.accepted});
        }
        one.numbered = place;
        one.packet = packet_of[place];
        sent.push_back(like);
    }
    std::ranges::sort(sent, {},
                      [this](std::size_t at) { return std::tuple(messages[at].packet, messages[at].numbered); });
    for (std::size_t rank = 0; rank < sent.size(); ++rank) {
        message& one = messages[sent[rank]];
        one.rank = rank;
        packet& in = packets[one.packet];
        in.messages_begin = in.messages_end == 0 ? rank : in.messages_begin;
        in.messages_end = rank + 1;
    }
}

/// What the client saw.
void sorted_trace::follow_sights(std::size_t at, findings& found) {
    client& one = clients[at];
    std::size_t reading = 0;
    for (const std::size_t place : _client_events[at]) {
        const event& what = events[place];
        if (one.ended != none && place > one.ended) {
            break;
        }
        if (what.kind == event_kind::client_view) {
            one.items.push_back({place, none, none});
            continue;
        }
        if (what.kind != event_kind::client_delivered && what.kind != event_kind::client_change) {
            continue;
        }
        membership* in = reading < one.memberships.size() ? &memberships[one.memberships[reading]] : nullptr;
        if (in == nullptr || in->join > place || groups[in->group] != what.group) {
            found.add(11, fmt::format("{}, which is not in the group, sees: {}", name(one), in_words(what)),
                      {place, reading > 0 ? memberships[one.memberships[reading - 1]].last_change : none});
            continue;
        }
        item seen{place, one.memberships[reading], none};
        if (what.kind == event_kind::client_delivered) {
            seen.message = message_seen(what, place, found);
        } else if (in->first_change == none && lists(what.joined, one.who)) {
            in->first_change = place;
        } else if (lists(what.left, one.who)) {
            in->last_change = place;
            ++reading;
        }
        in->items.push_back(one.items.size());
        one.items.push_back(seen);
    }
}

std::size_t sorted_trace::message_seen(const event& what, std::size_t place, findings& found) {
    const std::size_t group = group_number(what.group);
    const std::size_t like = message_like(what.sender, group, what.message);
    if (like == none) {
        if (options.all_clients_traced) {
            found.add(14, fmt::format("{} {}: nobody sent that", in_words(what.who), in_words(what)), {place});
        }
        return none;
    }
    if (group_ambiguous[group]) {
        return none;
    }
    if (messages[like].packet == none) {
        found.add(1, fmt::format("{} {}: it was never numbered", in_words(what.who), in_words(what)),
                  {place, messages[like].accepted});
        return none;
    }
    message_of[place] = like;
    return like;
}

std::size_t sorted_trace::group_number(const std::string& named) {
    const auto [known, is_new] = _group_numbers.try_emplace(named, groups.size());
    if (is_new) {
        groups.push_back(named);
        group_ambiguous.push_back(false);
    }
    return known->second;
}

std::size_t sorted_trace::message_like(const process& sender, std::size_t group, std::uint64_t digest) const {
    const auto known = _message_of.find({sender, group, digest});
    return known == _message_of.end() ? none : known->second;
}

bool sorted_trace::complete(const client& one) const {
    return options.quiet_tail && one.ended == none && one.life != none && lives[one.life].alive();
}

std::string sorted_trace::name(const client& one) const { return fmt::format("process {}", in_words(one.who)); }

} // namespace coterie::sim::checking
