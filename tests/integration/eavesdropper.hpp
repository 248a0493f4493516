// SPDX-License-Identifier: BSD-3-Clause
// Somebody on the network: reads every frame that passes in a namespace, and sends datagrams in anybody's name. Needs root.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace coterie::tests {

/// A UDP datagram over IPv4 as it was on the wire.
struct overheard {
    std::uint32_t from = 0; ///< addresses in network order
    std::uint32_t to = 0;
    std::uint16_t from_port = 0;
    std::uint16_t to_port = 0;
    std::vector<std::uint8_t> to_card; ///< the target's hardware address
    std::string bytes;
    friend auto operator<=>(const overheard&, const overheard&) = default;
};

class eavesdropper {
public:
    /// On all cards of a network namespace, or on one of them, through which it can send.
    explicit eavesdropper(const std::string& name_space, const std::string& card = {});
    eavesdropper(const eavesdropper&) = delete;
    eavesdropper& operator=(const eavesdropper&) = delete;
    ~eavesdropper();

    [[nodiscard]] bool good() const { return _socket >= 0; }
    /// What has come since the last time and is waiting, each datagram once.
    [[nodiscard]] std::vector<overheard> take();
    /// Sends it as it is, from its sender's address; false if the kernel does not take it.
    bool inject(const overheard& what);

private:
    int _socket = -1;
    int _card = 0;
    std::vector<std::uint8_t> _own;
};

} // namespace coterie::tests
