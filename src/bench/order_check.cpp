// SPDX-License-Identifier: BSD-3-Clause
// Writing and judging messages.
#include "bench/order_check.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace coterie::bench {

namespace {

constexpr std::uint64_t odd_factor = 0x9E37'79B9'7F4A'7C15; ///< of Fibonacci hashing

std::uint64_t mix(std::uint64_t a, std::uint64_t b) { return (std::rotl(a, 23) ^ b) * odd_factor; }

std::uint64_t seal_of(const heading& what) {
    const std::uint64_t form = std::uint64_t{static_cast<std::uint32_t>(what.what)} << 32U | what.bytes;
    const std::uint64_t sender = std::uint64_t{what.sender.node.value} << 32U | what.sender.pid;
    return mix(mix(mix(mix(form, sender), what.sequence), static_cast<std::uint64_t>(what.sent_ns)), odd_factor);
}

/// What stands for a verdict in its heading, so that the seal covers it.
std::uint64_t digest_of(const verdict& seen) {
    return mix(mix(mix(0, seen.received), seen.digest), std::bit_cast<std::uint64_t>(seen.rate));
}

/// The eight bytes that a message repeats behind its heading.
std::uint64_t filling_of(const heading& what) { return mix(what.seal, odd_factor); }

} // namespace

std::string to_text(member_id who) { return std::to_string(who.node.value) + "/" + std::to_string(who.pid); }

void write_message(std::span<std::byte> space, heading what, depth fill) {
    what.bytes = static_cast<std::uint32_t>(space.size());
    what.seal = seal_of(what);
    std::memcpy(space.data(), &what, sizeof(what));
    const std::span<std::byte> body = space.subspan(sizeof(what));
    const std::uint64_t word = filling_of(what);
    // The words are counted from the end; of the one behind the heading there may be a part only.
    for (std::size_t left = body.size(), size = 0; left > 0; left -= size) {
        size = std::min(left, sizeof(word));
        std::memcpy(&body[left - size], &word, size);
        if (fill == depth::ends) {
            break;
        }
    }
}

std::vector<std::byte> verdict_message(member_id sender, const verdict& seen) {
    std::vector<std::byte> result(sizeof(heading) + sizeof(seen));
    heading what{.what = kind::verdict, .sender = sender, .sequence = digest_of(seen)};
    what.bytes = static_cast<std::uint32_t>(result.size());
    what.seal = seal_of(what);
    std::memcpy(result.data(), &what, sizeof(what));
    std::memcpy(&result[sizeof(what)], &seen, sizeof(seen));
    return result;
}

bool order_check::filled_right(const heading& what, const std::byte* bytes, std::size_t size) const {
    const std::uint64_t word = filling_of(what);
    const std::span<const std::byte> body(bytes + sizeof(heading), size - sizeof(heading));
    for (std::size_t left = body.size(), part = 0; left > 0; left -= part) {
        part = std::min(left, sizeof(word));
        if (std::memcmp(&body[left - part], &word, part) != 0) {
            return false;
        }
        if (_expected.compared == depth::ends) {
            break;
        }
    }
    return true;
}

const heading* order_check::take(member_id from, const void* message, std::size_t bytes) {
    heading* const what = &_recent;
    if (bytes >= bytes_min) {
        std::memcpy(what, message, sizeof(*what));
    }
    if (bytes < bytes_min || what->bytes != bytes || what->seal != seal_of(*what)) {
        fail("a message of " + std::to_string(bytes) + " bytes that nobody has sent");
        return nullptr;
    }
    if (what->sender != from) {
        fail("a message of " + to_text(what->sender) + " that the daemon says is of " + to_text(from));
        return nullptr;
    }
    const auto* const body = static_cast<const std::byte*>(message);
    const bool fine = what->what == kind::verdict ? take_verdict(*what, body) : take_in_row(*what);
    if (fine && what->what != kind::verdict && !filled_right(*what, body, bytes)) {
        fail("message " + std::to_string(what->sequence) + " of " + to_text(from) + " has other bytes than were sent");
        return nullptr;
    }
    return fine ? what : nullptr;
}

bool order_check::take_in_row(const heading& what) {
    if (_recent_next == nullptr || _recent_sender != what.sender) {
        _recent_sender = what.sender;
        _recent_next = &_next[what.sender];
    }
    if (_next.size() > _expected.senders) {
        fail(to_text(what.sender) + " sends, and is one more than the " + std::to_string(_expected.senders) +
             " that were to send");
    } else if (what.sequence != *_recent_next || _ended.contains(what.sender)) {
        fail("message " + std::to_string(what.sequence) + " of " + to_text(what.sender) + " came where " +
             std::to_string(*_recent_next) + " was due");
    } else if (what.what == kind::numbered && _expected.bytes != 0 && what.bytes != _expected.bytes) {
        fail("a message of " + std::to_string(what.bytes) + " bytes, not " + std::to_string(_expected.bytes));
    } else if (what.what == kind::last) {
        _digest = mix(_digest, what.seal);
        _ended.insert(what.sender);
        return true;
    } else {
        _digest = mix(_digest, what.seal);
        ++*_recent_next;
        ++_received;
        return true;
    }
    return false;
}

bool order_check::take_verdict(const heading& what, const std::byte* message) {
    verdict other;
    if (what.bytes != sizeof(what) + sizeof(other)) {
        fail("a verdict of " + std::to_string(what.bytes) + " bytes");
        return false;
    }
    std::memcpy(&other, message + sizeof(what), sizeof(other));
    if (what.sequence != digest_of(other)) {
        fail("the verdict of " + to_text(what.sender) + " has other bytes than were sent");
    } else if (!ended()) {
        fail("the verdict of " + to_text(what.sender) + " came before the last message of every sender");
    } else if (other.received != _received) {
        fail(to_text(what.sender) + " received " + std::to_string(other.received) + " messages, and here came " +
             std::to_string(_received));
    } else if (other.digest != _digest) {
        fail(to_text(what.sender) + " received the same " + std::to_string(_received) +
             " messages in another order than came here");
    } else if (!_agreed.insert(what.sender).second) {
        fail("the verdict of " + to_text(what.sender) + " came twice");
    } else {
        _slowest_rate = _agreed.size() == 1 ? other.rate : std::min(_slowest_rate, other.rate);
        return true;
    }
    return false;
}

void order_check::fail(std::string what) {
    if (_fault.empty()) {
        _fault = std::move(what);
    }
}

} // namespace coterie::bench
