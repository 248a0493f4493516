// SPDX-License-Identifier: BSD-3-Clause
// Writing and judging messages.
#include "bench/order_check.hpp"

#include <bit>
#include <cstring>

namespace coterie::bench {

namespace {

constexpr std::uint64_t odd_factor = 0x9E37'79B9'7F4A'7C15; ///< of Fibonacci hashing

std::uint64_t mix(std::uint64_t a, std::uint64_t b) { return (std::rotl(a, 23) ^ b) * odd_factor; }

std::uint64_t seal_of(const heading& what) {
    return mix(mix(static_cast<std::uint64_t>(what.what), what.sender), what.sequence);
}

/// The eight bytes that a message repeats behind its heading.
std::uint64_t filling_of(const heading& what) { return mix(what.seal, odd_factor); }

} // namespace

void write_message(std::span<std::byte> space, heading what, depth fill) {
    what.seal = seal_of(what);
    std::memcpy(space.data(), &what, sizeof(what));
    const std::span<std::byte> body = space.subspan(sizeof(what));
    const std::uint64_t word = filling_of(what);
    // The words are counted from the end, so that the last one is whole.
    for (std::size_t left = body.size(); left >= sizeof(word); left -= sizeof(word)) {
        std::memcpy(&body[left - sizeof(word)], &word, sizeof(word));
        if (fill == depth::ends) {
            break;
        }
    }
}

bool order_check::filled_right(const heading& what, const std::byte* bytes, std::size_t size) const {
    const std::uint64_t word = filling_of(what);
    for (std::size_t left = size; left >= sizeof(heading) + sizeof(word); left -= sizeof(word)) {
        if (std::memcmp(bytes + left - sizeof(word), &word, sizeof(word)) != 0) {
            return false;
        }
        if (_compared == depth::ends) {
            break;
        }
    }
    return true;
}

const heading* order_check::take(const void* message, std::size_t bytes) {
    heading* const what = &_recent;
    if (bytes >= bytes_min) {
        std::memcpy(what, message, sizeof(*what));
    }
    if (bytes < bytes_min || (what->what != kind::numbered && what->what != kind::last) ||
        what->seal != seal_of(*what)) {
        fail("a message of " + std::to_string(bytes) + " bytes that nobody has sent");
        return nullptr;
    }
    if (!filled_right(*what, static_cast<const std::byte*>(message), bytes)) {
        fail("message " + std::to_string(what->sequence) + " of sender " + std::to_string(what->sender) +
             " has other bytes than were sent");
        return nullptr;
    }
    if (_recent_next == nullptr || _recent_sender != what->sender) {
        _recent_sender = what->sender;
        _recent_next = &_next[what->sender];
    }
    if (what->sequence != *_recent_next) {
        fail("sender " + std::to_string(what->sender) + ": message " + std::to_string(what->sequence) + " came where " +
             std::to_string(*_recent_next) + " was due");
        return nullptr;
    }
    _digest = mix(_digest, what->seal);
    if (what->what == kind::last) {
        ++_ended;
    } else {
        ++*_recent_next;
        ++_count;
    }
    return what;
}

void order_check::fail(std::string what) {
    if (_fault.empty()) {
        _fault = std::move(what);
    }
}

} // namespace coterie::bench
