// SPDX-License-Identifier: BSD-3-Clause
// The one thing of a node that must outlive it: the epoch below which ids of views may have been used. Written by a thread
// of its own, since a disk may take seconds; the engine's thread only leaves word.
#pragma once

#include "base/ids.hpp"

#include <condition_variable>
#include <expected>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace coterie::daemon {

class epoch_store {
public:
    /// What the folder holds; 0 if it holds nothing, or nothing that can be read: then the clock has to do, and `fault`
    /// says why if it is worth a word.
    struct found {
        base::epoch_number epoch;
        std::string fault;
    };
    /// Takes the folder, which is made if it is not there, for this process alone. The error is one line for people.
    [[nodiscard]] static std::expected<std::unique_ptr<epoch_store>, std::string> open(const std::string& folder);
    ~epoch_store();
    epoch_store(const epoch_store&) = delete;
    epoch_store& operator=(const epoch_store&) = delete;

    [[nodiscard]] found read() const;

    /// Starts the thread. Both are called on it: `stored` once an epoch is on the disk, `failed` with a line for people
    /// when it could not be written, once for each reason; it is tried again after a while.
    void start(std::function<void(base::epoch_number)> stored, std::function<void(std::string)> failed);
    /// Asks for an epoch to be stored; supersedes what waits. Never waits itself. After start().
    void store(base::epoch_number epoch);

private:
    epoch_store(std::string folder, int lock) : _folder(std::move(folder)), _lock(lock) {}
    void run();
    /// Whether there is room for an epoch. The error is what the system says.
    [[nodiscard]] std::expected<void, std::string> try_out() const;
    [[nodiscard]] std::expected<void, std::string> write(base::epoch_number epoch) const;

    const std::string _folder;
    const int _lock;
    std::function<void(base::epoch_number)> _stored;
    std::function<void(std::string)> _failed;

    std::mutex _mutex;
    std::condition_variable _changed;
    std::optional<base::epoch_number> _wanted;
    bool _stopping = false;
    std::thread _thread;
};

} // namespace coterie::daemon
