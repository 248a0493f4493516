// SPDX-License-Identifier: BSD-3-Clause
// Numbers for objects that C programs hold: a handle names an object until it is taken out, is never used again, and
// cannot be guessed from another by accident. An object lives on while a call in some thread still uses it.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <random>
#include <unordered_map>

namespace coterie::client {

/// Thread-safe; the lock is held for the look-up alone.
template <class Object>
class handle_table {
public:
    [[nodiscard]] std::uint64_t add(std::shared_ptr<Object> object) {
        const std::scoped_lock lock(_mutex);
        const std::uint64_t handle = ++_latest << 32U | _random();
        _objects.emplace(handle, std::move(object));
        return handle;
    }

    /// Null for a handle that is unknown or was taken out.
    [[nodiscard]] std::shared_ptr<Object> find(std::uint64_t handle) const {
        const std::scoped_lock lock(_mutex);
        const auto found = _objects.find(handle);
        return found == _objects.end() ? nullptr : found->second;
    }

    /// The same, and from now on the handle is unknown.
    [[nodiscard]] std::shared_ptr<Object> take(std::uint64_t handle) {
        const std::scoped_lock lock(_mutex);
        const auto found = _objects.find(handle);
        if (found == _objects.end()) {
            return nullptr;
        }
        std::shared_ptr<Object> result = std::move(found->second);
        _objects.erase(found);
        return result;
    }

private:
    mutable std::mutex _mutex;
    std::uint64_t _latest = 0;
    std::mt19937 _random{std::random_device{}()};
    std::unordered_map<std::uint64_t, std::shared_ptr<Object>> _objects;
};

} // namespace coterie::client
