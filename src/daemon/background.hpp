// SPDX-License-Identifier: BSD-3-Clause
// Going into the background as a daemon does without -f: whoever started it waits until it serves, or learns why not.
#pragma once

#include <cstdint>

namespace coterie::daemon {

class background {
public:
    enum class side : std::uint8_t { parent_done, child, failed };
    /// Splits the process. The parent comes back once the child has said that it serves, or has ended; it then has
    /// `exit_status` to end with.
    [[nodiscard]] side enter();
    [[nodiscard]] int exit_status() const { return _exit_status; }
    /// In the child: it serves from here on, and lets go of the terminal. Does nothing if enter() was not called.
    void ready();

private:
    int _pipe = -1;
    int _exit_status = 1;
};

} // namespace coterie::daemon
