// SPDX-License-Identifier: BSD-3-Clause
// Private to the codec: the three walkers (writer, reader, measure) that follow a packet's layout, and the steps that
// all encoders and decoders share. A layout is written once, as a `lay_out` function, so that encoding, decoding and
// the size cannot disagree; a packet's bounds are written once, as an `acceptable` function, so that we never send what
// a receiver would refuse.
#pragma once

#include "base/assert.hpp"
#include "wire/codec.hpp"

#include <concepts>
#include <cstring>
#include <type_traits>
#include <utility>

namespace coterie::wire::layout {

// Offsets in the header; docs/wire.md has the table.
inline constexpr std::uint32_t magic = 0x49524F43; // "CORI"
inline constexpr std::uint8_t version = 1;
inline constexpr std::size_t magic_at = 0;
inline constexpr std::size_t version_at = 4;
inline constexpr std::size_t kind_at = 5;
inline constexpr std::size_t key_slot_at = 6;
inline constexpr std::size_t cipher_at = 7;
inline constexpr std::size_t cluster_at = 8;
inline constexpr std::size_t sender_at = 16;
inline constexpr std::size_t length_at = 20;
inline constexpr std::size_t nonce_at = 24;
inline constexpr std::size_t counter_at = 32;
inline constexpr std::size_t tag_at = 40;
static_assert(tag_at == sealed_header_bytes && tag_at + tag_bytes == header_bytes);

inline constexpr std::size_t body_bytes_max = datagram_bytes_max - header_bytes;

/// Counters on the wire stay below this, so that sums and distances of two never overflow.
inline constexpr unsigned counter_bits = 62;

template <class Value>
concept Number = std::unsigned_integral<Value> && !std::same_as<Value, bool>;
template <class Value>
concept StrongNumber = requires(Value value) {
    typename Value::rep;
    { value.value } -> std::convertible_to<typename Value::rep>;
};

/// What a walker of type `Walker` takes of a `Packet`: constant for those that only look.
template <class Walker, class Packet>
using field = typename Walker::template field<Packet>;

/// Counts the bytes that a packet will take.
class measure {
public:
    template <class Value>
    using field = const Value;

    template <class... Values>
    constexpr void operator()(const Values&... values) {
        (one(values), ...);
    }
    template <class Element>
    constexpr void list(const std::vector<Element>& elements, std::size_t) {
        _bytes += sizeof(std::uint16_t);
        if constexpr (Number<Element> || StrongNumber<Element>) {
            _bytes += elements.size() * sizeof(Element);
        } else {
            for (const Element& element : elements) {
                one(element);
            }
        }
    }
    constexpr void rest(bytes_view bytes) { _bytes += bytes.size(); }
    [[nodiscard]] constexpr std::size_t bytes() const { return _bytes; }

private:
    template <class Value>
    constexpr void one(const Value& value) {
        if constexpr (std::same_as<Value, bool>) {
            _bytes += 1;
        } else if constexpr (Number<Value> || StrongNumber<Value>) {
            _bytes += sizeof(Value);
        } else {
            lay_out(*this, value);
        }
    }

    std::size_t _bytes = 0;
};

/// Writes a packet's fields in the order of its layout. The space was measured before.
class writer {
public:
    template <class Value>
    using field = const Value;

    explicit writer(std::span<std::byte> space) : _out(space) {}

    template <class... Values>
    void operator()(const Values&... values) {
        (one(values), ...);
    }
    template <class Element>
    void list(const std::vector<Element>& elements, std::size_t count_max) {
        COTERIE_ASSERT(elements.size() <= count_max, "a list in a packet is no longer than its receiver accepts");
        _out.number(static_cast<std::uint16_t>(elements.size()));
        for (const Element& element : elements) {
            one(element);
        }
    }
    void rest(bytes_view bytes) { _out.run(bytes); }
    /// True when the fields filled the space exactly.
    [[nodiscard]] bool filled() const { return _out.ok() && _out.room() == 0; }

private:
    template <class Value>
    void one(const Value& value) {
        if constexpr (std::same_as<Value, bool>) {
            _out.number(static_cast<std::uint8_t>(value ? 1 : 0));
        } else if constexpr (Number<Value> || StrongNumber<Value>) {
            _out.number(value);
        } else {
            lay_out(*this, value);
        }
    }

    base::byte_writer _out;
};

/// Reads a packet's fields in the order of its layout; fails on what is short, and on lists longer than their bound
/// before anything is allocated for them.
class reader {
public:
    template <class Value>
    using field = Value;

    explicit reader(bytes_view body) : _in(body) {}

    template <class... Values>
    void operator()(Values&... values) {
        (one(values), ...);
    }
    template <class Element>
    void list(std::vector<Element>& elements, std::size_t count_max) {
        const std::size_t count = _in.number<std::uint16_t>();
        if (count > count_max || count * bytes_min<Element>() > _in.remaining()) {
            _in.fail();
            return;
        }
        elements.resize(count);
        for (Element& element : elements) {
            one(element);
        }
    }
    void rest(bytes_view& bytes) { bytes = _in.rest(); }
    /// True when every field was there and nothing is left over.
    [[nodiscard]] bool finished() const { return _in.finished(); }

private:
    /// The fewest bytes that an element can take: those of an empty one.
    template <class Element>
    static std::size_t bytes_min() {
        if constexpr (Number<Element> || StrongNumber<Element>) {
            return sizeof(Element);
        } else {
            measure empty;
            empty(Element{});
            return empty.bytes();
        }
    }
    template <class Value>
    void one(Value& value) {
        if constexpr (std::same_as<Value, bool>) {
            const auto byte = _in.number<std::uint8_t>();
            if (byte > 1) {
                _in.fail();
            }
            value = byte == 1;
        } else if constexpr (Number<Value> || StrongNumber<Value>) {
            value = _in.number<Value>();
        } else {
            lay_out(*this, value);
        }
    }

    base::byte_reader _in;
};

template <class Walker>
constexpr void lay_out(Walker& walk, field<Walker, view_id>& view) {
    walk(view.epoch, view.coordinator, view.nonce);
}

template <class Walker>
constexpr void lay_out(Walker& walk, field<Walker, member>& one) {
    walk(one.node, one.nonce);
}

// What every packet's `acceptable` is made of.

/// True when all these counters leave room for arithmetic.
template <class... Counters>
[[nodiscard]] constexpr bool in_range(const Counters&... counters) {
    const auto plain = [](const auto& counter) -> std::uint64_t {
        if constexpr (StrongNumber<std::remove_cvref_t<decltype(counter)>>) {
            return counter.value;
        } else {
            return counter;
        }
    };
    return ((plain(counters) | ...) >> counter_bits) == 0;
}

[[nodiscard]] constexpr bool only_flags(std::uint8_t flags, unsigned known) { return (flags & ~known) == 0; }

/// A real view or attempt.
[[nodiscard]] constexpr bool is_view(const view_id& view) {
    return view.valid() && in_range(view.epoch) && view.coordinator != base::no_node &&
           view.nonce != base::no_incarnation;
}

/// A real view, or the one id that stands for none.
[[nodiscard]] constexpr bool is_view_or_none(const view_id& view) { return is_view(view) || view == base::no_view; }

/// Strictly ascending by node, nobody unknown.
[[nodiscard]] constexpr bool is_sorted(const std::vector<member>& members) {
    node_id last = base::no_node;
    for (const member& one : members) {
        if (one.node <= last || one.nonce == base::no_incarnation) {
            return false;
        }
        last = one.node;
    }
    return true;
}

[[nodiscard]] constexpr bool is_sorted(const std::vector<node_id>& nodes) {
    node_id last = base::no_node;
    for (const node_id node : nodes) {
        if (node <= last) {
            return false;
        }
        last = node;
    }
    return true;
}

/// Writes the header of an unsealed packet: counter and tag are zero until it is sealed.
inline void write_header(std::span<std::byte> packet, const origin& from, packet_kind kind, std::size_t body_bytes) {
    COTERIE_ASSERT(from.node != base::no_node && from.nonce != base::no_incarnation,
                   "a packet's sender has a node id and an incarnation");
    base::byte_writer out(packet.first(header_bytes));
    out.number(magic);
    out.number(version);
    out.number(static_cast<std::uint8_t>(kind));
    out.number(std::uint16_t{0}); // key slot and cipher
    out.number(from.cluster);
    out.number(from.node);
    out.number(static_cast<std::uint32_t>(body_bytes));
    out.number(from.nonce);
    std::memset(packet.data() + counter_at, 0, header_bytes - counter_at);
}

template <class Packet>
[[nodiscard]] std::size_t body_bytes_of(const Packet& packet) {
    measure size;
    lay_out(size, packet);
    return size.bytes();
}

/// Encodes any packet into one buffer. `invariant` names what a caller broke with a packet that nobody would accept.
template <class Packet>
[[nodiscard]] base::buffer encode_as(packet_kind kind, base::buffer_pool& pool, const origin& from,
                                     const Packet& packet, const char* invariant) {
    COTERIE_ASSERT(acceptable(packet), invariant);
    const std::size_t body_bytes = body_bytes_of(packet);
    COTERIE_ASSERT(body_bytes <= body_bytes_max, "an encoded packet fits into one datagram");
    base::buffer result = pool.take(header_bytes + body_bytes);
    result.resize(header_bytes + body_bytes);
    const std::span<std::byte> bytes = result.writable();
    COTERIE_ASSERT(bytes.size() == header_bytes + body_bytes, "a pool hands out what was asked for");
    write_header(bytes, from, kind, body_bytes);
    writer out(bytes.subspan(header_bytes));
    lay_out(out, packet);
    COTERIE_ASSERT(out.filled(), "a packet takes as many bytes as were measured");
    return result;
}

/// Decodes any packet: nothing unless the body is exactly one acceptable packet.
template <class Packet>
[[nodiscard]] std::optional<Packet> decode_as(bytes_view body) {
    std::optional<Packet> result(std::in_place);
    reader in(body);
    lay_out(in, *result);
    if (!in.finished() || body.size() > body_bytes_max || !acceptable(*result)) {
        result.reset();
    }
    return result;
}

} // namespace coterie::wire::layout
