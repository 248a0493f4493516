// SPDX-License-Identifier: BSD-3-Clause
// Reads the keys anew while the daemon runs, on a thread of its own: disks may stand still.
#pragma once

#include "crypto/keyring.hpp"

#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <thread>

namespace coterie::daemon {

class key_reload {
public:
    using keys = std::expected<crypto::keyring, std::string>;
    /// `read` runs on the thread; what it found is handed to `done` there.
    key_reload(std::function<keys()> read, std::function<void(keys)> done)
        : _read(std::move(read)),
          _done(std::move(done)) {}

    /// Once more; what was begun before is waited for.
    void start() {
        _thread = std::jthread([this] { _done(_read()); });
    }

private:
    const std::function<keys()> _read;
    const std::function<void(keys)> _done;
    std::jthread _thread;
};

} // namespace coterie::daemon
