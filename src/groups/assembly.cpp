// SPDX-License-Identifier: BSD-3-Clause
// Assembling in buffers that grow with what has really come: a claimed size alone costs nothing.
#include "groups/assembly.hpp"

#include "base/mutant.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace coterie::groups {

namespace {
/// Space that is taken at once for what a message is said to have; none of it is touched before the bytes come.
constexpr std::size_t first_bytes_max = std::size_t{2} << 20U;
} // namespace

assembly_table::assembly_table(base::buffer_pool& pool, std::uint64_t message_bytes_max)
    : _pool(pool),
      _message_bytes_max(message_bytes_max) {}

assembly_table::outcome assembly_table::add(node_id from, const wire::piece_record& piece, base::buffer known) {
    auto at = _under_way.find(from);
    bool plausible = piece.total <= _message_bytes_max;
    if (at == _under_way.end()) {
        // Mutant (14): a message whose beginning is missing is delivered without it.
        plausible = plausible && (piece.offset == 0 || COTERIE_MUTANT(groups_partial_large_message));
        if (!plausible) {
            return outcome::implausible;
        }
        at = _under_way.emplace(from, assembly{.slot = piece.slot, .total = piece.total}).first;
        at->second.known = known.size() == piece.total;
        at->second.body = at->second.known ? std::move(known) : base::buffer();
    }
    assembly& message = at->second;
    const bool follows = piece.offset == message.come || COTERIE_MUTANT(groups_partial_large_message);
    if (!plausible || message.slot != piece.slot || message.total != piece.total || !follows) {
        drop(from, message.slot);
        return outcome::implausible;
    }
    if (!message.known) {
        append(message, piece.body);
    }
    message.come += piece.body.size();
    if (piece.offset + piece.body.size() < message.total) {
        return outcome::more;
    }
    _bytes -= message.known ? 0 : message.come;
    _whole = std::move(message.body);
    _under_way.erase(at);
    return outcome::whole;
}

base::buffer assembly_table::take_whole() { return std::exchange(_whole, {}); }

bool assembly_table::drop(node_id from, wire::slot_number slot) {
    const auto at = _under_way.find(from);
    if (at == _under_way.end() || at->second.slot != slot) {
        return false;
    }
    _bytes -= at->second.known ? 0 : at->second.come;
    _under_way.erase(at);
    return true;
}

void assembly_table::clear() {
    _under_way.clear();
    _bytes = 0;
}

void assembly_table::append(assembly& to, base::bytes_view piece) {
    const std::size_t begin = to.body.size();
    const std::size_t size = begin + piece.size();
    if (to.body.space().size() < size) {
        const std::size_t wanted = std::max({size, to.body.space().size() * 2, first_bytes_max});
        base::buffer grown = _pool.take(std::max(size, std::min<std::size_t>(wanted, to.total)));
        if (begin > 0) {
            std::memcpy(grown.space().data(), to.body.bytes().data(), begin);
        }
        to.body = std::move(grown);
    }
    // Mutant (14): a piece is put where it does not belong.
    const std::size_t place = COTERIE_MUTANT(groups_piece_misplaced) && begin > 0 ? begin - 1 : begin;
    std::memcpy(to.body.space().data() + place, piece.data(), piece.size());
    to.body.resize(size);
    _bytes += piece.size();
}

} // namespace coterie::groups
