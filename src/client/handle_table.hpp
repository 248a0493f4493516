// SPDX-License-Identifier: BSD-3-Clause
// Numbers for objects that C programs hold: a handle names an object until it is taken out, is never used again, and
// cannot be guessed from another by accident. An object lives on while a call in some thread still uses it. In a forked
// child the parent's handles are unknown, and their objects are neither used nor destroyed.
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
        _entries.emplace(handle, entry{std::move(object), _generation});
        return handle;
    }

    /// Null for a handle that is unknown or was taken out.
    [[nodiscard]] std::shared_ptr<Object> find(std::uint64_t handle) const {
        const std::scoped_lock lock(_mutex);
        const auto found = _entries.find(handle);
        return found == _entries.end() || is_inherited(found->second) ? nullptr : found->second.object;
    }

    /// The same, and from now on the handle is unknown.
    [[nodiscard]] std::shared_ptr<Object> take(std::uint64_t handle) {
        const std::scoped_lock lock(_mutex);
        const auto found = _entries.find(handle);
        if (found == _entries.end() || is_inherited(found->second)) {
            return nullptr;
        }
        std::shared_ptr<Object> result = std::move(found->second.object);
        _entries.erase(found);
        return result;
    }

    /// Takes out every object that is `unwanted`, a function that does not call back.
    template <class Predicate>
    void remove_if(Predicate unwanted) {
        const std::scoped_lock lock(_mutex);
        std::erase_if(_entries,
                      [&](const auto& each) { return !is_inherited(each.second) && unwanted(*each.second.object); });
    }

    // Around a fork, so that the child's copy is whole.
    /// `prepare` is called with each object of this process, `settle` with the same ones after the fork.
    template <class Function>
    void before_fork(Function prepare) {
        _mutex.lock();
        for (auto& [handle, each] : _entries) {
            if (!is_inherited(each)) {
                prepare(*each.object);
            }
        }
    }
    template <class Function>
    void after_fork(Function settle) {
        for (auto& [handle, each] : _entries) {
            if (!is_inherited(each)) {
                settle(*each.object);
            }
        }
        _mutex.unlock();
    }
    /// Instead of after_fork in the child: `abandon` is called with each object that this process had no hand in.
    template <class Function>
    void after_fork_in_child(Function abandon) {
        for (auto& [handle, each] : _entries) {
            if (!is_inherited(each)) {
                abandon(*each.object);
            }
        }
        ++_generation;
        _mutex.unlock();
    }

private:
    struct entry {
        std::shared_ptr<Object> object;
        std::uint64_t generation; ///< how many forks lie between the first process and the one that owns it
    };
    [[nodiscard]] bool is_inherited(const entry& what) const { return what.generation != _generation; }

    mutable std::mutex _mutex;
    std::uint64_t _latest = 0;
    std::uint64_t _generation = 0;
    std::mt19937 _random{std::random_device{}()};
    std::unordered_map<std::uint64_t, entry> _entries;
};

} // namespace coterie::client
