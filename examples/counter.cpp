// SPDX-License-Identifier: BSD-3-Clause
// A replicated counter: every copy shows the same value, on whatever machine it runs.
//
//   counter [NAME]          reads commands: "add NUMBER" adds (or takes away), the end of the input leaves
//
// It prints "ready VALUE" when it has learnt what the others knew, "value VALUE" after every step, "members COUNT" when
// that changes.
//
// How it works. Each process keeps one row: what it has added itself, with a version. An addition multicasts the new row.
// Everybody, the adder included, takes rows in the one order that the group agrees on; the value is the sum of all rows.
// Rows outlive their process. Since a row replaces its older versions and nothing else, it does no harm to tell it twice:
// whoever sees somebody come multicasts all rows that it knows. That brings a newcomer up to date, and it also heals a
// network that was split, where both sides went on counting.
#include <corosync/cpg.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <deque>
#include <map>
#include <poll.h>
#include <set>
#include <string>
#include <tuple>
#include <unistd.h>
#include <utility>
#include <vector>

namespace {

/// A process for as long as it is a member.
using member = std::pair<uint32_t, uint32_t>; // node, process

/// Who added. The time of its start tells a process from a later one with the same number.
struct origin {
    uint32_t node;
    uint32_t pid;
    uint64_t started_ns;
    bool operator<(const origin& other) const {
        return std::tie(node, pid, started_ns) < std::tie(other.node, other.pid, other.started_ns);
    }
};

struct row {
    origin who;
    uint64_t version;
    int64_t total;
};

/// A message: this, then rows. All nodes have the same byte order here; a program for mixed clusters would choose one.
struct heading {
    uint32_t for_node; ///< who came and needs these rows; 0 when they are news for everybody
    uint32_t for_pid;
};

struct state {
    cpg_handle_t handle = 0;
    member self;
    row own{};                       ///< as it was multicast last
    std::map<origin, row> rows;      ///< as they were delivered
    std::set<member> members;        ///< after the latest change
    std::set<member> unheard;        ///< members whose rows this newcomer still waits for
    bool joined = false;             ///< the first change has come
    bool ready = false;              ///< all rows have come
    std::deque<std::string> waiting; ///< messages for which there was no room
};
state it;

int64_t value() {
    int64_t result = 0;
    for (const auto& [who, each] : it.rows) {
        result += each.total;
    }
    return result;
}

void send_what_waits() {
    while (!it.waiting.empty()) {
        std::string& first = it.waiting.front();
        const iovec part = {first.data(), first.size()};
        const cs_error_t outcome = cpg_mcast_joined(it.handle, CPG_TYPE_AGREED, &part, 1);
        if (outcome == CS_ERR_TRY_AGAIN) {
            return; // there is no room now: the main loop comes back
        }
        it.waiting.pop_front();
    }
}

void multicast(const heading& head, const std::vector<row>& rows) {
    std::string message(sizeof(head) + rows.size() * sizeof(row), '\0');
    std::memcpy(message.data(), &head, sizeof(head));
    std::memcpy(message.data() + sizeof(head), rows.data(), rows.size() * sizeof(row));
    it.waiting.push_back(message);
    send_what_waits();
}

void add(int64_t amount) {
    ++it.own.version;
    it.own.total += amount;
    multicast({0, 0}, {it.own});
}

void tell_when_ready() {
    if (!it.ready && it.joined && it.unheard.empty()) {
        it.ready = true;
        std::printf("ready %lld\n", static_cast<long long>(value()));
    }
}

void on_message(cpg_handle_t, const cpg_name*, uint32_t node, uint32_t pid, void* bytes, size_t size) {
    heading head{};
    if (size < sizeof(head) || (size - sizeof(head)) % sizeof(row) != 0) {
        return; // not from a counter
    }
    std::memcpy(&head, bytes, sizeof(head));
    bool changed = false;
    for (size_t at = sizeof(head); at < size; at += sizeof(row)) {
        row each{};
        std::memcpy(&each, static_cast<const char*>(bytes) + at, sizeof(each));
        const auto known = it.rows.find(each.who);
        if (known == it.rows.end() || known->second.version < each.version) {
            it.rows[each.who] = each;
            changed = true;
        }
    }
    if (changed && it.ready) {
        std::printf("value %lld\n", static_cast<long long>(value()));
    }
    if (member{head.for_node, head.for_pid} == it.self) {
        it.unheard.erase({node, pid});
        tell_when_ready();
    }
}

void on_change(cpg_handle_t, const cpg_name*, const cpg_address* members, size_t member_count, const cpg_address* left,
               size_t left_count, const cpg_address* joined, size_t joined_count) {
    it.members.clear();
    for (size_t i = 0; i < member_count; ++i) {
        it.members.insert({members[i].nodeid, members[i].pid});
    }
    if (!it.joined) {
        // The first change is the own join: everyone else has been here before and will tell what it knows.
        it.joined = true;
        it.unheard = it.members;
        it.unheard.erase(it.self);
    } else {
        std::vector<row> all;
        for (const auto& [who, each] : it.rows) {
            all.push_back(each);
        }
        for (size_t i = 0; i < joined_count; ++i) {
            multicast({joined[i].nodeid, joined[i].pid}, all);
        }
    }
    for (size_t i = 0; i < left_count; ++i) {
        it.unheard.erase({left[i].nodeid, left[i].pid}); // it cannot tell any more
    }
    std::printf("members %zu\n", member_count);
    tell_when_ready();
}

/// Carries out the lines that have come; false at the end of the input.
bool take_input() {
    static std::string text;
    char space[4096];
    const ssize_t got = ::read(STDIN_FILENO, space, sizeof(space));
    if (got <= 0) {
        return false;
    }
    text.append(space, static_cast<size_t>(got));
    for (size_t end = 0; (end = text.find('\n')) != std::string::npos; text.erase(0, end + 1)) {
        long long amount = 0;
        if (std::sscanf(text.c_str(), "add %lld", &amount) == 1) {
            add(amount);
        } else {
            std::printf("usage: add NUMBER\n");
        }
    }
    return true;
}

} // namespace

int main(int argc, char** argv) {
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    cpg_callbacks_t callbacks = {on_message, on_change};
    cs_error_t outcome = cpg_initialize(&it.handle, &callbacks);
    if (outcome != CS_OK) {
        std::fprintf(stderr, "no connection (%s); is coteried running?\n", cs_strerror(outcome));
        return 1;
    }
    cpg_name group{};
    group.length = static_cast<uint32_t>(
        std::snprintf(group.value, sizeof(group.value), "counter:%s", argc > 1 ? argv[1] : "default"));
    unsigned node = 0;
    cpg_local_get(it.handle, &node);
    it.self = {node, static_cast<uint32_t>(::getpid())};
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    it.own.who = {node, it.self.second,
                  static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec)};
    outcome = cpg_join(it.handle, &group);

    int descriptor = -1;
    cpg_fd_get(it.handle, &descriptor);
    bool more = true;
    while (outcome == CS_OK && (more || !it.waiting.empty())) {
        // Input is read once this copy knows what it adds to. The descriptor is readable while events wait.
        pollfd wanted[2] = {{descriptor, POLLIN, 0}, {more && it.ready ? STDIN_FILENO : -1, POLLIN, 0}};
        ::poll(wanted, 2, it.waiting.empty() ? -1 : 5);
        outcome = cpg_dispatch(it.handle, CS_DISPATCH_ALL);
        if (wanted[1].revents != 0) {
            more = take_input();
        }
        send_what_waits();
    }
    if (outcome != CS_OK) {
        std::fprintf(stderr, "lost the group: %s\n", cs_strerror(outcome));
        return 1;
    }
    // Whatever was accepted is delivered to the others before they see this process leave.
    cpg_leave(it.handle, &group);
    cpg_finalize(it.handle);
    return 0;
}
