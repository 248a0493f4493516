// SPDX-License-Identifier: BSD-3-Clause
// Tells datagrams that have come before from new ones, by the counter in their header: what is sent on several links
// comes several times. Remembers the latest few thousand of one life of one sender.
#pragma once

#include "base/ids.hpp"
#include "crypto/replay_window.hpp"

#include <cstdint>

namespace coterie::net {

class duplicate_filter {
public:
    /// Whether this datagram is a new one, as far as can be told; from now on it is not. Only for datagrams whose tag is
    /// good, or strangers could make it forget.
    [[nodiscard]] bool is_new(base::incarnation life, std::uint64_t counter) {
        if (life != _life) {
            _life = life;
            _seen.begin(0);
        }
        switch (_seen.judge(counter)) {
        case crypto::replay_window::verdict::fresh: _seen.add(counter); return true;
        case crypto::replay_window::verdict::too_old: return true;
        case crypto::replay_window::verdict::seen: break;
        }
        return false;
    }

private:
    base::incarnation _life;
    crypto::replay_window _seen;
};

} // namespace coterie::net
