// SPDX-License-Identifier: BSD-3-Clause
// The reservation of epochs, so that ids of views never repeat: blocks are reserved on stable storage ahead of need,
// off the engine's thread. Where the store holds nothing, epochs start at the wall clock; always above any epoch heard.
#pragma once

#include "ring/context.hpp"

#include <optional>

namespace coterie::ring {

class epochs {
public:
    explicit epochs(context& context);

    /// Asks for the first block.
    void start();
    /// A store call has been carried out.
    void on_stored(epoch_number epoch);
    /// Another node knows of `epoch`; ours will be above it, unless it is implausible.
    void heard(epoch_number epoch);
    /// Whether an honest node can know of `epoch`: one that is far ahead of everything would use up all that follow.
    [[nodiscard]] bool plausible(epoch_number epoch) const;
    /// A fresh epoch above all heard, or nothing while none is reserved.
    [[nodiscard]] std::optional<epoch_number> take();
    /// Whether take() would give one now.
    [[nodiscard]] bool available() const { return _next < _reserved; }
    /// The highest epoch heard or used.
    [[nodiscard]] epoch_number highest() const { return _highest; }

private:
    void reserve();

    context& _context;
    epoch_number _next;     ///< the lowest that may be taken
    epoch_number _reserved; ///< all below are reserved
    epoch_number _asked;    ///< the highest reservation asked for
    epoch_number _highest;
};

} // namespace coterie::ring
