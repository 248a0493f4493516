// SPDX-License-Identifier: BSD-3-Clause
// IPv4 and IPv6 addresses with a port, as sockets take them and as people read them.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <sys/socket.h>
#include <vector>

namespace coterie::net {

/// An address and port; compares by family, address and port alone.
class address {
public:
    address() = default;
    /// Nothing for families other than the two.
    [[nodiscard]] static std::optional<address> from(const sockaddr_storage& raw);

    [[nodiscard]] const sockaddr* raw() const { return reinterpret_cast<const sockaddr*>(&_raw); }
    [[nodiscard]] socklen_t raw_bytes() const;
    /// AF_INET or AF_INET6.
    [[nodiscard]] int family() const { return _raw.ss_family; }
    [[nodiscard]] std::uint16_t port() const;
    void set_port(std::uint16_t port);
    /// Without the port, e.g. "192.0.2.1".
    [[nodiscard]] std::string host() const;
    /// With the port, e.g. "192.0.2.1:5405" or "[2001:db8::1]:5405".
    [[nodiscard]] std::string text() const;

    /// Whether these are the same.
    [[nodiscard]] bool is(const sockaddr_storage& other) const;
    friend bool operator==(const address& left, const address& right);

private:
    sockaddr_storage _raw{};
};

/// The address that `host` (an address or a name) stands for. May ask name servers and so take seconds: not for the
/// engine's thread. The error is a text for people.
[[nodiscard]] std::expected<address, std::string> resolve(const std::string& host, std::uint16_t port);
/// An address's usual spelling ("2001:DB8::01" becomes "2001:db8::1"); other texts come back as they are.
[[nodiscard]] std::string usual_spelling(const std::string& host);
/// The addresses of this machine's interfaces, without ports.
[[nodiscard]] std::vector<std::string> local_addresses();

} // namespace coterie::net
