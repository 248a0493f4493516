// SPDX-License-Identifier: BSD-3-Clause
// Guarantees 12, 14 and 15, and 1 and 6 for what clients got: each membership's deliveries against what its node
// delivered, and against what each sender was told would be delivered.
#include "sim/checker_parts.hpp"
#include "sim/words.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <map>

namespace coterie::sim::checking {

namespace {

/// The messages of a group in the order in which a life delivered them.
using line = std::vector<std::size_t>;

class message_check {
public:
    message_check(const sorted_trace& trace, findings& found) : _trace(trace), _found(found) {}

    void check() {
        draw_lines();
        for (const membership& in : _trace.memberships) {
            check_sending(in);
            check_line(in);
            check_senders(in);
            check_own(in);
        }
    }

private:
    void complain(int guarantee, const membership& in, std::string_view what, std::vector<std::size_t> events) {
        _found.add(guarantee, fmt::format("{} {}", _trace.name(_trace.clients[in.client]), what), std::move(events));
    }

    [[nodiscard]] std::string message_name(std::size_t at) const {
        const message& one = _trace.messages[at];
        return fmt::format("message {:016x} of {} to {}", _trace.events[one.accepted].message, in_words(one.sender),
                           quoted(_trace.groups[one.group]));
    }

    /// What each life delivered to the groups in which it has clients.
    void draw_lines() {
        for (const membership& in : _trace.memberships) {
            if (_trace.clients[in.client].life != none) {
                _lines.try_emplace({_trace.clients[in.client].life, in.group});
            }
        }
        for (std::size_t at = 0; at < _trace.lives.size(); ++at) {
            std::vector<line*> by_group(_trace.groups.size(), nullptr);
            bool any = false;
            for (auto each = _lines.lower_bound({at, 0}); each != _lines.end() && each->first.first == at; ++each) {
                by_group[each->first.second] = &each->second;
                any = true;
            }
            if (!any) {
                continue;
            }
            for (const visit& in : _trace.lives[at].visits) {
                for (const std::size_t number : in.delivered) {
                    const packet& what = _trace.packets[number];
                    for (std::size_t rank = what.messages_begin; rank < what.messages_end; ++rank) {
                        const std::size_t sent = _trace.sent[rank];
                        if (line* into = by_group[_trace.messages[sent].group]; into != nullptr) {
                            into->push_back(sent);
                        }
                    }
                }
            }
        }
    }

    [[nodiscard]] std::size_t message_at(const membership& in, std::size_t at) const {
        return _trace.clients[in.client].items[in.items[at]].message;
    }
    [[nodiscard]] std::size_t event_at(const membership& in, std::size_t at) const {
        return _trace.clients[in.client].items[in.items[at]].event;
    }

    /// Messages are numbered in the order in which they were accepted, none is passed over.
    void check_sending(const membership& in) {
        if (_trace.group_ambiguous[in.group]) {
            return;
        }
        std::size_t waiting = none;
        std::size_t last = none;
        for (const std::size_t at : in.accepted) {
            const message& one = _trace.messages[at];
            if (one.numbered == none) {
                waiting = waiting == none ? at : waiting;
                continue;
            }
            if (waiting != none) {
                complain(12, in, fmt::format("sent {}, which was passed over", message_name(waiting)),
                         {_trace.messages[waiting].accepted, one.numbered});
                waiting = none;
            }
            if (last != none && one.rank < _trace.messages[last].rank) {
                complain(15, in, fmt::format("sent {} after another that is ordered behind it", message_name(at)),
                         {one.numbered, _trace.messages[last].numbered});
            }
            last = at;
        }
    }

    /// A member gets what its node delivers to the group, in that order, without gaps from its first message on.
    void check_line(const membership& in) {
        const client& one = _trace.clients[in.client];
        if (_trace.group_ambiguous[in.group] || one.life == none) {
            return;
        }
        const line& delivered = _lines.at({one.life, in.group});
        const auto rank_of = [this](std::size_t at) { return _trace.messages[at].rank; };
        auto next = delivered.end();
        std::size_t last = none;
        std::size_t last_event = none;
        for (std::size_t at = 0; at < in.items.size(); ++at) {
            const std::size_t got = message_at(in, at);
            if (got == none) {
                continue;
            }
            const std::size_t event = event_at(in, at);
            if (last != none && rank_of(got) <= rank_of(last)) {
                complain(got == last ? 14 : 6, in,
                         got == last ? fmt::format("gets {} twice", message_name(got))
                                     : fmt::format("gets {} after one that is ordered behind it", message_name(got)),
                         {event, last_event});
                continue;
            }
            const auto found = std::ranges::lower_bound(delivered, rank_of(got), {}, rank_of);
            if (found == delivered.end() || *found != got) {
                complain(1, in, fmt::format("gets {}, which its node did not deliver", message_name(got)),
                         {event, _trace.messages[got].numbered});
                continue;
            }
            if (last != none && found != next) {
                complain(12, in, fmt::format("is not given {}, which its node delivered", message_name(*next)),
                         {event, last_event, _trace.messages[*next].numbered});
            }
            next = found + 1;
            last = got;
            last_event = event;
        }
        const bool to_the_end = in.first_change != none && in.last_change == none && _trace.complete(one);
        if (to_the_end && last != none && next != delivered.end()) {
            complain(12, in, fmt::format("is not given {}, which its node delivered", message_name(*next)),
                     {last_event, _trace.messages[*next].numbered});
        }
    }

    /// How far a member has followed a sender.
    struct following {
        std::size_t membership = none; ///< of the sender; none: not known yet
        std::size_t place = 0;         ///< of its latest message
        std::size_t event = none;
        bool from_start = false; ///< its join was seen, so its first message comes first
    };

    /// No gaps in what a sender sent, from the first message that a member gets of it while both stay together; from the
    /// very first if it saw the sender's join; to the very last if it saw its leave.
    void check_senders(const membership& in) {
        if (_trace.group_ambiguous[in.group]) {
            return;
        }
        std::map<process, following> senders;
        for (std::size_t at = 0; at < in.items.size(); ++at) {
            const std::size_t event = event_at(in, at);
            const trace::event& what = _trace.events[event];
            if (what.kind == event_kind::client_delivered) {
                if (const std::size_t got = message_at(in, at); got != none) {
                    follow(in, senders[what.sender], got, event);
                }
                continue;
            }
            for (const trace::departed& each : what.joined) {
                senders.insert_or_assign(each.who, following{.event = event, .from_start = each.why == reason::join});
            }
            for (const trace::departed& each : what.left) {
                if (each.why == reason::leave) {
                    check_leave(in, each.who, senders[each.who], event);
                }
                senders.erase(each.who);
            }
        }
    }

    void follow(const membership& in, following& sender, std::size_t got, std::size_t event) {
        const message& one = _trace.messages[got];
        std::size_t expected = one.place;
        if (sender.membership == one.membership) {
            expected = sender.place + 1;
        } else if (sender.from_start && sender.membership == none) {
            expected = 0;
        }
        if (one.place > expected) {
            complain(
                15, in,
                fmt::format("gets {}, message {} of its sender, where message {} is due", message_name(got),
                            one.place + 1, expected + 1),
                {event, sender.event, _trace.messages[_trace.memberships[one.membership].accepted[expected]].accepted});
        } else if (one.place < expected) {
            complain(15, in, fmt::format("gets {} after a later one of its sender", message_name(got)),
                     {event, sender.event});
        }
        sender = {.membership = one.membership, .place = one.place, .event = event, .from_start = sender.from_start};
    }

    /// A leave does not overtake what was accepted before it.
    void check_leave(const membership& in, const process& who, const following& sender, std::size_t event) {
        std::size_t left = sender.membership;
        if (left == none && sender.from_start) {
            left = only_membership(who, in.group);
        }
        if (left == none || _trace.memberships[left].accepted.empty()) {
            return;
        }
        const std::size_t last = _trace.memberships[left].accepted.back();
        if (sender.membership == none || sender.place < _trace.messages[last].place) {
            complain(12, in, fmt::format("sees {} leave without {}", in_words(who), message_name(last)),
                     {event, sender.event, _trace.messages[last].accepted});
        }
    }

    [[nodiscard]] std::size_t only_membership(const process& who, std::size_t group) const {
        std::size_t result = none;
        const auto known = _trace.memberships_of.find(who);
        if (known == _trace.memberships_of.end()) {
            return none;
        }
        for (const std::size_t at : known->second) {
            if (_trace.memberships[at].group != group) {
                continue;
            }
            if (result != none) {
                return none;
            }
            result = at;
        }
        return result;
    }

    /// What a client sent comes back to it: before its leave does, or by the end of a quiet tail.
    void check_own(const membership& in) {
        const client& one = _trace.clients[in.client];
        const bool left = in.last_change != none && in.leave != none && in.leave < in.last_change;
        if (_trace.group_ambiguous[in.group] || (!left && !_trace.complete(one))) {
            return;
        }
        std::vector<bool> back(in.accepted.size(), false);
        for (std::size_t at = 0; at < in.items.size(); ++at) {
            const std::size_t got = message_at(in, at);
            if (got != none && _trace.messages[got].sender == one.who &&
                &_trace.memberships[_trace.messages[got].membership] == &in) {
                back[_trace.messages[got].place] = true;
            }
        }
        const auto missing = std::ranges::find(back, false);
        if (missing != back.end()) {
            const std::size_t at = in.accepted[static_cast<std::size_t>(missing - back.begin())];
            complain(12, in,
                     fmt::format("never gets its own {}, which was {}", message_name(at),
                                 _trace.messages[at].numbered == none ? "never numbered" : "numbered"),
                     {_trace.messages[at].accepted, _trace.messages[at].numbered, in.last_change});
        }
    }

    const sorted_trace& _trace;
    findings& _found;
    std::map<std::pair<std::size_t, std::size_t>, line> _lines; ///< by life and group
};

} // namespace

void check_messages(const sorted_trace& trace, findings& found) { message_check(trace, found).check(); }

} // namespace coterie::sim::checking
