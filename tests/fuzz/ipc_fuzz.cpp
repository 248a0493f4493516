// SPDX-License-Identifier: BSD-3-Clause
// Fuzzes what daemon and client library read from each other: the first byte chooses the reader, the rest is what it reads.
// Reading ends without harm, and nothing that was read lies outside what it was read from.
#include "ipc/messages.hpp"
#include "ipc/ring.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

namespace {

using namespace coterie::ipc;

void require(bool condition) {
    if (!condition) {
        std::abort();
    }
}

template <class Text>
void require_inside(bytes_view packet, const Text& part) {
    const auto* const start = reinterpret_cast<const std::byte*>(part.data());
    require(part.empty() || (start >= packet.data() && start + part.size() <= packet.data() + packet.size()));
}

void read_events(std::vector<std::byte>& packet) {
    for (std::size_t at = 0; at < packet.size();) {
        const std::size_t before = at;
        const auto what = read_event(packet, at);
        if (!what) {
            return;
        }
        require(at > before && at <= packet.size());
        require_inside(packet, what->body);
        require_inside(packet, what->group);
        require(what->members.size() + what->left.size() + what->joined.size() + what->nodes.size() <= packet.size());
    }
}

/// A tag, then the body.
void read_a_request(const std::vector<std::byte>& record) {
    std::uint32_t tag = 0;
    if (record.size() < sizeof(tag)) {
        return;
    }
    std::memcpy(&tag, record.data(), sizeof(tag));
    if (const auto what = read_request(tag, bytes_view(record).subspan(sizeof(tag)))) {
        require_inside(record, what->group);
        require(what->group.size() <= group_name_bytes_max);
    }
}

/// The writer's count, then the memory of a ring that an evil writer has filled; what is taken is given back one late.
void read_ring(const std::vector<std::byte>& bytes) {
    ring_counts counts{};
    std::uint64_t written = 0;
    std::ranges::copy(std::span(bytes).first(std::min(sizeof(written), bytes.size())),
                      std::as_writable_bytes(std::span(&written, 1)).begin());
    counts.written = written;
    const auto memory = std::make_unique<std::uint64_t[]>(ring_bytes_min / sizeof(std::uint64_t));
    const auto space = std::as_writable_bytes(std::span(memory.get(), ring_bytes_min / sizeof(std::uint64_t)));
    if (bytes.size() > sizeof(written)) {
        std::memcpy(space.data(), bytes.data() + sizeof(written),
                    std::min(space.size(), bytes.size() - sizeof(written)));
    }
    ring_reader reader(counts, space);
    std::uint64_t last = 0;
    while (const auto found = reader.take()) {
        require_inside(space, found->body);
        require(found->end > last && found->end <= written);
        reader.release(last);
        last = found->end;
    }
    require(reader.corrupt() || reader.taken() == written);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const auto* const bytes = reinterpret_cast<const std::byte*>(data);
    std::vector<std::byte> packet(bytes + 1, bytes + size);
    switch (data[0] % 6) {
    case 0: read_a_request(packet); break;
    case 1:
        static_cast<void>(unpack_members(packet));
        static_cast<void>(unpack_groups(packet));
        break;
    case 2: read_events(packet); break;
    case 3: static_cast<void>(read_hello(packet)); break;
    case 4: static_cast<void>(read_welcome(packet)); break;
    default: read_ring(packet); break;
    }
    return 0;
}
