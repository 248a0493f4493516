// SPDX-License-Identifier: BSD-3-Clause
// Fuzzes what daemon and client library read from each other: the first byte chooses the reader, the rest is the packet.
// Reading ends without harm, and nothing that was read lies outside the packet.
#include "ipc/messages.hpp"

#include <cstdlib>
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

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const auto* const bytes = reinterpret_cast<const std::byte*>(data);
    std::vector<std::byte> packet(bytes + 1, bytes + size);
    switch (data[0] % 6) {
    case 0:
        if (const auto what = read_request(packet)) {
            require_inside(packet, what->body);
            require_inside(packet, what->group);
        }
        break;
    case 1:
        if (const auto what = read_reply(packet)) {
            require_inside(packet, what->body);
            static_cast<void>(unpack_members(what->body));
            static_cast<void>(unpack_groups(what->body));
        }
        break;
    case 2: read_events(packet); break;
    case 3: static_cast<void>(read_hello(packet)); break;
    case 4: static_cast<void>(read_welcome(packet)); break;
    default: static_cast<void>(read_multicast_head(packet)); break;
    }
    return 0;
}
