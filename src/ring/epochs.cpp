// SPDX-License-Identifier: BSD-3-Clause
// Blocks of epochs, reserved when half of the last block is used or another node is known to be ahead.
#include "ring/epochs.hpp"

#include <algorithm>

namespace coterie::ring {

namespace {
/// Epochs begin near the wall clock in microseconds, which stays below 2^52 for long. What lies beyond half of all that
/// can be encoded is believed only in small steps.
constexpr std::uint64_t near_max = std::uint64_t{1} << 61U;
constexpr std::uint64_t far_step_max = std::uint64_t{1} << 20U;
} // namespace

epochs::epochs(context& context) : _context(context) {
    const settings& cfg = context.cfg;
    const std::uint64_t first = cfg.epoch_stored.value != 0 ? cfg.epoch_stored.value : cfg.wall_clock_us;
    _next.value = std::max<std::uint64_t>(first, 1);
    _reserved = _next;
    _asked = _next;
}

void epochs::start() { reserve(); }

void epochs::on_stored(epoch_number epoch) { _reserved = std::max(_reserved, std::min(epoch, _asked)); }

bool epochs::plausible(epoch_number epoch) const {
    return epoch.value <= std::max({near_max, _highest.value, _next.value}) + far_step_max;
}

void epochs::heard(epoch_number epoch) {
    if (epoch <= _highest) {
        return;
    }
    if (!plausible(epoch)) {
        ++_context.counts.implausible;
        return;
    }
    _highest = epoch;
    if (_highest >= _next) {
        _next = _highest.next();
    }
    reserve();
}

std::optional<epoch_number> epochs::take() {
    if (!available()) {
        reserve();
        return std::nullopt;
    }
    const epoch_number taken = _next;
    _next = _next.next();
    _highest = std::max(_highest, taken);
    reserve();
    return taken;
}

void epochs::reserve() {
    const std::uint64_t block = _context.cfg.epoch_block;
    if (_next.value + block / 2 < _asked.value) {
        return;
    }
    _asked.value = _next.value + block;
    _context.world.store(_asked);
}

} // namespace coterie::ring
