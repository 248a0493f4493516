// SPDX-License-Identifier: BSD-3-Clause
// Turns the names of a configuration into addresses on threads of its own, since a name server may take its time or never
// answer. The start waits a bounded time for all of them; what is not known by then is asked for again and again in the
// background, and told when it comes.
#pragma once

#include "config/settings.hpp"
#include "net/address.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace coterie::daemon {

/// What a name stands for, in the resolver's order.
using known_addresses = std::vector<net::address>;

class address_book {
public:
    /// Resolves one name; may block. Nothing found: an empty list, and why in `fault`.
    using resolver = std::function<known_addresses(const std::string& name, std::string& fault)>;

    /// Starts to look for these names, at most as many as a cluster has nodes; for each again after every `pause` while it
    /// is missing.
    explicit address_book(const std::vector<std::string>& names, resolver resolve = system_resolver(),
                          std::chrono::milliseconds pause = std::chrono::seconds(5));
    /// Does not wait for a resolver that is stuck: its thread ends by itself.
    ~address_book();
    address_book(const address_book&) = delete;
    address_book& operator=(const address_book&) = delete;

    struct entry {
        known_addresses addresses; ///< empty while the name is not known
        std::string fault;         ///< why it is not
    };
    /// What is known once every name has been asked for, or `limit` has passed.
    [[nodiscard]] std::map<std::string, entry> wait(std::chrono::milliseconds limit) const;
    /// From now on `told` is called, on a thread of the book, with each name that becomes known; at once with those that
    /// did since wait(). Until forget_listener() has returned.
    void listen(std::function<void(const std::string& name, const known_addresses& addresses)> told);
    /// After it has returned the listener is not called any more.
    void forget_listener();

    /// getaddrinfo(3), for datagrams.
    [[nodiscard]] static resolver system_resolver();

private:
    struct shared;
    std::shared_ptr<shared> _shared;
};

} // namespace coterie::daemon
