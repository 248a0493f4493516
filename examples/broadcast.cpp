// SPDX-License-Identifier: BSD-3-Clause
// Sends files to everyone who listens, on whatever machine.
//
//   broadcast receive FOLDER           stores what is sent, until it is interrupted
//   broadcast send FILE [COUNT]        sends once COUNT others are there (default 1), and tells how many have it
//
// How it works. A file is a heading, pieces and an ending with a digest, all multicast to one group; the agreed order
// keeps each sender's pieces in their row. At the ending every member says whether the digest was right. The sender waits
// for those who were members when its heading was delivered, less those who have left since: it is told of a crash like
// of anything else. Receivers drop what a crashed sender did not finish. Who came amid a file takes no part in it.
#include <corosync/cpg.h>

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <poll.h>
#include <set>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

namespace {

using member = std::pair<uint32_t, uint32_t>; // node, process

/// The first byte of every message.
enum kind : char { heading = 'H', piece = 'P', ending = 'E', good = 'G', bad = 'B' };

/// Smaller than what the library hands over in one step, and small enough that others get their turn in between.
constexpr size_t piece_bytes = 200'000;

/// FNV-1a, 64 bits: finds mistakes, does not stop forgers.
struct digest {
    void add(const char* bytes, size_t size) {
        for (size_t i = 0; i < size; ++i) {
            value = (value ^ static_cast<unsigned char>(bytes[i])) * 1'099'511'628'211U;
        }
    }
    std::string text() const { return std::to_string(value); }
    uint64_t value = 14'695'981'039'346'656'037U;
};

/// A file that is on its way here.
struct incoming {
    std::string name;
    bool refused = false; ///< its name leads out of the folder
    std::string part;     ///< where it is stored until it is complete; empty if it is not stored
    std::ofstream out;
    digest sum;
};

struct state {
    cpg_handle_t handle = 0;
    int descriptor = -1;
    member self;
    std::string folder; ///< of a receiver
    std::set<member> members;
    std::map<member, incoming> files; ///< by sender
    std::set<member> asked;           ///< who has to confirm what this process sends
    bool started = false;             ///< the own heading has come back
    size_t have_it = 0;
    size_t failed = 0;
};
state it;

/// Runs callbacks for what has come, waiting for it at most so long; false when the daemon is gone.
bool dispatch(int timeout_ms) {
    pollfd wanted = {it.descriptor, POLLIN, 0};
    ::poll(&wanted, 1, timeout_ms);
    return cpg_dispatch(it.handle, CS_DISPATCH_ALL) == CS_OK;
}

/// Multicasts one message; CS_ERR_TRY_AGAIN is for the caller.
cs_error_t multicast(kind what, const char* bytes, size_t size) {
    char first = what;
    const iovec parts[2] = {{&first, 1}, {const_cast<char*>(bytes), size}};
    return cpg_mcast_joined(it.handle, CPG_TYPE_AGREED, parts, 2);
}

/// The same, dispatching until there is room. Never from a callback.
bool send(kind what, const char* bytes, size_t size) {
    cs_error_t outcome = CS_OK;
    while ((outcome = multicast(what, bytes, size)) == CS_ERR_TRY_AGAIN && dispatch(5)) {
    }
    return outcome == CS_OK;
}

void drop(const member& sender) {
    const auto found = it.files.find(sender);
    if (found != it.files.end()) {
        std::error_code ignored;
        if (!found->second.part.empty()) {
            std::filesystem::remove(found->second.part, ignored);
        }
        std::printf("dropped %s\n", found->second.name.c_str());
        it.files.erase(found);
    }
}

void begin(const member& sender, const std::string& name) {
    if (sender == it.self) {
        it.started = true;
        it.asked = it.members;
    }
    incoming& file = it.files[sender];
    file.name = name;
    file.refused = name.empty() || name.front() == '.' || name.find('/') != std::string::npos;
    if (!it.folder.empty() && !file.refused) {
        file.part = it.folder + "/." + name + "." + std::to_string(sender.first) + "." + std::to_string(sender.second);
        file.out.open(file.part, std::ios::binary);
    }
}

void finish(const member& sender, const std::string& digest_sent) {
    const auto found = it.files.find(sender);
    if (found == it.files.end()) {
        return; // this process came later than the heading
    }
    incoming& file = found->second;
    if (file.out.is_open()) {
        file.out.close();
    }
    bool fine = !file.refused && file.sum.text() == digest_sent;
    if (fine && !file.part.empty()) {
        std::error_code fault;
        std::filesystem::rename(file.part, it.folder + "/" + file.name, fault);
        fine = file.out && !fault;
    }
    // A callback may wait for room, as long as it takes no events: room does not depend on them.
    const uint32_t whom[2] = {sender.first, sender.second};
    while (multicast(fine ? good : bad, reinterpret_cast<const char*>(whom), sizeof(whom)) == CS_ERR_TRY_AGAIN) {
        ::poll(nullptr, 0, 1);
    }
    if (fine) {
        std::printf("received %s %s\n", file.name.c_str(), digest_sent.c_str());
        it.files.erase(found);
    } else {
        drop(sender);
    }
}

void confirm(const member& who, const char* bytes, size_t size, bool fine) {
    uint32_t whom[2] = {};
    if (size == sizeof(whom)) {
        std::memcpy(whom, bytes, size);
        if (member{whom[0], whom[1]} == it.self && it.asked.erase(who) == 1 && who != it.self) {
            ++(fine ? it.have_it : it.failed);
        }
    }
}

void on_message(cpg_handle_t, const cpg_name*, uint32_t node, uint32_t pid, void* message, size_t size) {
    if (size == 0) {
        return; // not from a broadcast
    }
    const member sender{node, pid};
    const char* const bytes = static_cast<const char*>(message) + 1;
    --size;
    switch (*static_cast<const char*>(message)) {
    case heading: begin(sender, std::string(bytes, size)); break;
    case piece:
        if (const auto found = it.files.find(sender); found != it.files.end()) {
            found->second.sum.add(bytes, size);
            found->second.out.write(bytes, static_cast<std::streamsize>(size));
        }
        break;
    case ending: finish(sender, std::string(bytes, size)); break;
    case good:
    case bad: confirm(sender, bytes, size, *static_cast<const char*>(message) == good); break;
    default: break;
    }
}

void on_change(cpg_handle_t, const cpg_name*, const cpg_address* members, size_t member_count, const cpg_address* left,
               size_t left_count, const cpg_address*, size_t) {
    it.members.clear();
    for (size_t i = 0; i < member_count; ++i) {
        it.members.insert({members[i].nodeid, members[i].pid});
    }
    for (size_t i = 0; i < left_count; ++i) {
        const member gone{left[i].nodeid, left[i].pid};
        it.asked.erase(gone);
        drop(gone);
    }
    std::printf("members %zu\n", member_count);
}

bool send_file(const std::string& path, size_t others) {
    std::ifstream in(path, std::ios::binary);
    if (!in) {
        std::fprintf(stderr, "cannot read %s\n", path.c_str());
        return false;
    }
    while (it.members.size() < others + 1) {
        if (!dispatch(-1)) {
            return false;
        }
    }
    const std::string name = std::filesystem::path(path).filename();
    bool fine = send(heading, name.data(), name.size());
    digest sum;
    std::vector<char> space(piece_bytes);
    while (fine && in.read(space.data(), static_cast<std::streamsize>(space.size())).gcount() > 0) {
        const auto got = static_cast<size_t>(in.gcount());
        sum.add(space.data(), got);
        fine = send(piece, space.data(), got) && dispatch(0);
    }
    fine = fine && send(ending, sum.text().data(), sum.text().size());
    while (fine && (!it.started || !it.asked.empty())) {
        fine = dispatch(-1);
    }
    std::printf("%zu have %s %s\n", it.have_it, name.c_str(), sum.text().c_str());
    return fine && it.failed == 0;
}

} // namespace

int main(int argc, char** argv) {
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    const std::string what = argc > 2 ? argv[1] : "";
    if (what != "send" && what != "receive") {
        std::fprintf(stderr, "usage: broadcast receive FOLDER | broadcast send FILE [COUNT]\n");
        return 2;
    }
    cpg_callbacks_t callbacks = {on_message, on_change};
    const cpg_name group = {9, "broadcast"};
    cs_error_t outcome = cpg_initialize(&it.handle, &callbacks);
    unsigned node = 0;
    if (outcome == CS_OK && (outcome = cpg_fd_get(it.handle, &it.descriptor)) == CS_OK &&
        (outcome = cpg_local_get(it.handle, &node)) == CS_OK) {
        it.self = {node, static_cast<uint32_t>(::getpid())};
        it.folder = what == "receive" ? argv[2] : "";
        outcome = cpg_join(it.handle, &group);
    }
    if (outcome != CS_OK) {
        std::fprintf(stderr, "no connection (%s); is coteried running?\n", cs_strerror(outcome));
        return 1;
    }
    const bool fine = what == "send" && send_file(argv[2], argc > 3 ? std::stoul(argv[3]) : 1);
    while (what == "receive" && dispatch(-1)) {
    }
    cpg_finalize(it.handle);
    return fine ? 0 : 1;
}
