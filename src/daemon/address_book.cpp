// SPDX-License-Identifier: BSD-3-Clause
// A thread for each name, so that one that is stuck holds up no other. Threads share their state with the book and are never
// waited for, so that a name server cannot hold up an end either.
#include "daemon/address_book.hpp"

#include <condition_variable>
#include <cstring>
#include <mutex>
#include <netdb.h>
#include <set>
#include <thread>
#include <utility>

namespace coterie::daemon {

struct address_book::shared {
    shared(const std::vector<std::string>& wanted, resolver with, std::chrono::milliseconds wait)
        : names(wanted.begin(), wanted.end()),
          resolve(std::move(with)),
          pause(wait) {}

    const std::set<std::string> names;
    const resolver resolve;
    const std::chrono::milliseconds pause;

    std::mutex mutex;
    std::condition_variable changed;
    std::map<std::string, entry> entries;
    std::vector<std::string> untold; ///< known, but the listener has not heard of it
    std::function<void(const std::string&, const known_addresses&)> told;
    bool stopping = false;

    void run(const std::string& name) {
        while (true) {
            entry found;
            found.addresses = resolve(name, found.fault);
            const bool done = !found.addresses.empty();
            std::unique_lock lock(mutex);
            if (stopping) {
                return;
            }
            entries[name] = std::move(found);
            changed.notify_all();
            if (done) {
                untold.push_back(name);
                tell();
                return;
            }
            if (changed.wait_for(lock, pause, [&] { return stopping; })) {
                return;
            }
        }
    }

    /// With the lock held, so that a listener that has been forgotten is not called.
    void tell() {
        if (told && !stopping) {
            for (const std::string& name : std::exchange(untold, {})) {
                told(name, entries[name].addresses);
            }
        }
    }
};

address_book::address_book(const std::vector<std::string>& names, resolver resolve, std::chrono::milliseconds pause)
    : _shared(std::make_shared<shared>(names, std::move(resolve), pause)) {
    for (const std::string& each : _shared->names) {
        std::thread([state = _shared, name = each] { state->run(name); }).detach();
    }
}

address_book::~address_book() {
    const std::scoped_lock lock(_shared->mutex);
    _shared->stopping = true;
    _shared->told = nullptr;
    _shared->changed.notify_all();
}

std::map<std::string, address_book::entry> address_book::wait(std::chrono::milliseconds limit) const {
    std::unique_lock lock(_shared->mutex);
    _shared->changed.wait_for(lock, limit, [&] { return _shared->entries.size() == _shared->names.size(); });
    std::map<std::string, entry> result = _shared->entries;
    for (const std::string& name : _shared->names) {
        if (!result.contains(name)) {
            result[name].fault = "no answer yet";
        }
    }
    _shared->untold.clear();
    return result;
}

void address_book::listen(std::function<void(const std::string&, const known_addresses&)> told) {
    const std::scoped_lock lock(_shared->mutex);
    _shared->told = std::move(told);
    _shared->tell();
}

void address_book::forget_listener() {
    const std::scoped_lock lock(_shared->mutex);
    _shared->told = nullptr;
}

address_book::resolver address_book::system_resolver() {
    return [](const std::string& name, std::string& fault) {
        known_addresses result;
        addrinfo wanted{};
        wanted.ai_family = AF_UNSPEC;
        wanted.ai_socktype = SOCK_DGRAM;
        addrinfo* list = nullptr;
        if (const int number = ::getaddrinfo(name.c_str(), nullptr, &wanted, &list); number != 0) {
            fault = ::gai_strerror(number);
            return result;
        }
        const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(list, ::freeaddrinfo);
        for (const addrinfo* each = list; each != nullptr; each = each->ai_next) {
            sockaddr_storage raw{};
            std::memcpy(&raw, each->ai_addr, each->ai_addrlen);
            if (const auto found = net::address::from(raw)) {
                result.push_back(*found);
            }
        }
        fault = result.empty() ? "it has no IPv4 or IPv6 address" : "";
        return result;
    };
}

} // namespace coterie::daemon
