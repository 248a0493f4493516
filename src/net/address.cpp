// SPDX-License-Identifier: BSD-3-Clause
// Addresses by getaddrinfo(3), getifaddrs(3) and inet_ntop(3).
#include "net/address.hpp"

#include <arpa/inet.h>
#include <array>
#include <cstring>
#include <ifaddrs.h>
#include <memory>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>

namespace coterie::net {

namespace {

template <class Specific>
Specific as(const sockaddr_storage& raw) {
    Specific result;
    std::memcpy(&result, &raw, sizeof(result));
    return result;
}

bool is_link_local(const sockaddr_in6& raw) { return IN6_IS_ADDR_LINKLOCAL(&raw.sin6_addr); }

} // namespace

std::optional<address> address::from(const sockaddr_storage& raw) {
    if (raw.ss_family != AF_INET && raw.ss_family != AF_INET6) {
        return std::nullopt;
    }
    address result;
    // Only what an address consists of, so that flow labels and padding do not count.
    if (raw.ss_family == AF_INET) {
        const auto given = as<sockaddr_in>(raw);
        sockaddr_in kept{};
        kept.sin_family = AF_INET;
        kept.sin_addr = given.sin_addr;
        kept.sin_port = given.sin_port;
        std::memcpy(&result._raw, &kept, sizeof(kept));
    } else {
        const auto given = as<sockaddr_in6>(raw);
        sockaddr_in6 kept{};
        kept.sin6_family = AF_INET6;
        kept.sin6_addr = given.sin6_addr;
        kept.sin6_port = given.sin6_port;
        kept.sin6_scope_id = is_link_local(given) ? given.sin6_scope_id : 0;
        std::memcpy(&result._raw, &kept, sizeof(kept));
    }
    return result;
}

socklen_t address::raw_bytes() const {
    return static_cast<socklen_t>(family() == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6));
}

std::uint16_t address::port() const {
    // The port is at the same place in both.
    return ntohs(as<sockaddr_in>(_raw).sin_port);
}

void address::set_port(std::uint16_t port) {
    auto kept = as<sockaddr_in>(_raw);
    kept.sin_port = htons(port);
    std::memcpy(&_raw, &kept, offsetof(sockaddr_in, sin_port) + sizeof(kept.sin_port));
}

std::string address::host() const {
    std::array<char, INET6_ADDRSTRLEN + 1> text{};
    if (family() == AF_INET) {
        const auto raw = as<sockaddr_in>(_raw);
        ::inet_ntop(AF_INET, &raw.sin_addr, text.data(), text.size());
        return text.data();
    }
    const auto raw = as<sockaddr_in6>(_raw);
    ::inet_ntop(AF_INET6, &raw.sin6_addr, text.data(), text.size());
    std::string result = text.data();
    std::array<char, IF_NAMESIZE> interface{};
    if (raw.sin6_scope_id != 0 && ::if_indextoname(raw.sin6_scope_id, interface.data()) != nullptr) {
        result += '%';
        result += interface.data();
    }
    return result;
}

std::string address::text() const {
    return (family() == AF_INET6 ? "[" + host() + "]" : host()) + ":" + std::to_string(port());
}

bool address::is(const sockaddr_storage& other) const {
    if (other.ss_family == AF_INET && family() == AF_INET) {
        const auto mine = as<sockaddr_in>(_raw);
        const auto given = as<sockaddr_in>(other);
        return mine.sin_addr.s_addr == given.sin_addr.s_addr && mine.sin_port == given.sin_port;
    }
    return from(other) == *this;
}

bool operator==(const address& left, const address& right) {
    // All that is beside what an address consists of is zero in both.
    return std::memcmp(&left._raw, &right._raw, sizeof(sockaddr_in6)) == 0;
}

std::expected<address, std::string> resolve(const std::string& host, std::uint16_t port) {
    addrinfo wanted{};
    wanted.ai_family = AF_UNSPEC;
    wanted.ai_socktype = SOCK_DGRAM;
    addrinfo* list = nullptr;
    const int fault = ::getaddrinfo(host.c_str(), nullptr, &wanted, &list);
    if (fault != 0) {
        return std::unexpected(host + " cannot be resolved: " + ::gai_strerror(fault));
    }
    const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(list, ::freeaddrinfo);
    for (const addrinfo* each = list; each != nullptr; each = each->ai_next) {
        sockaddr_storage raw{};
        std::memcpy(&raw, each->ai_addr, each->ai_addrlen);
        if (auto result = address::from(raw)) {
            result->set_port(port);
            return *result;
        }
    }
    return std::unexpected(host + " has no IPv4 or IPv6 address");
}

std::string usual_spelling(const std::string& host) {
    sockaddr_storage raw{};
    sockaddr_in v4{};
    sockaddr_in6 v6{};
    if (::inet_pton(AF_INET, host.c_str(), &v4.sin_addr) == 1) {
        v4.sin_family = AF_INET;
        std::memcpy(&raw, &v4, sizeof(v4));
    } else if (::inet_pton(AF_INET6, host.c_str(), &v6.sin6_addr) == 1) {
        v6.sin6_family = AF_INET6;
        std::memcpy(&raw, &v6, sizeof(v6));
    }
    const auto found = address::from(raw);
    return found ? found->host() : host;
}

std::vector<std::string> local_addresses() {
    std::vector<std::string> result;
    ifaddrs* list = nullptr;
    if (::getifaddrs(&list) != 0) {
        return result;
    }
    const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> owner(list, ::freeifaddrs);
    for (const ifaddrs* each = list; each != nullptr; each = each->ifa_next) {
        if (each->ifa_addr == nullptr) {
            continue;
        }
        sockaddr_storage raw{};
        const int family = each->ifa_addr->sa_family;
        if (family == AF_INET || family == AF_INET6) {
            std::memcpy(&raw, each->ifa_addr, family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6));
        }
        if (const auto found = address::from(raw)) {
            result.push_back(found->host());
        }
    }
    return result;
}

} // namespace coterie::net
