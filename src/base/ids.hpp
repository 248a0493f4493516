// SPDX-License-Identifier: BSD-3-Clause
// Strong types for the numbers that must not be mixed up: nodes, incarnations, sequence numbers, hops, views.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>

namespace coterie::base {

/// A number with a meaning. Two of different `Tag` neither compare nor convert.
template <class Tag, class Rep>
struct strong_number {
    using rep = Rep;
    Rep value{};

    friend constexpr auto operator<=>(const strong_number&, const strong_number&) = default;
    friend constexpr bool operator==(const strong_number&, const strong_number&) = default;
};

/// A strong number that counts up: it has a successor and distances.
template <class Tag, class Rep>
struct strong_counter : strong_number<Tag, Rep> {
    friend constexpr auto operator<=>(const strong_counter&, const strong_counter&) = default;
    friend constexpr bool operator==(const strong_counter&, const strong_counter&) = default;

    [[nodiscard]] constexpr strong_counter next() const { return strong_counter{{static_cast<Rep>(this->value + 1)}}; }
    [[nodiscard]] constexpr strong_counter previous() const {
        return strong_counter{{static_cast<Rep>(this->value - 1)}};
    }
    [[nodiscard]] constexpr strong_counter plus(Rep steps) const {
        return strong_counter{{static_cast<Rep>(this->value + steps)}};
    }
    /// How many steps lie between `from` and this; `from` must not be greater.
    [[nodiscard]] constexpr Rep since(strong_counter from) const { return static_cast<Rep>(this->value - from.value); }
};

/// The configured id of a machine's daemon; 0 means "no node".
using node_id = strong_number<struct node_id_tag, std::uint32_t>;
/// One of the networks that join all nodes, from 0 to links_max - 1: ring0_addr are the nodes' addresses on link 0.
using link_number = strong_number<struct link_number_tag, std::uint8_t>;
/// The boot nonce of one life of a node; 0 means "unknown".
using incarnation = strong_number<struct incarnation_tag, std::uint64_t>;
/// The cluster a packet belongs to: a hash of its name.
using cluster_id = strong_number<struct cluster_id_tag, std::uint64_t>;
/// The place of a packet in a view's total order; the first is 1, 0 means "none yet".
using sequence_number = strong_counter<struct sequence_number_tag, std::uint64_t>;
/// How often the token has been passed on in a view; the first holder has hop 1, 0 means "unknown".
using hop_number = strong_counter<struct hop_number_tag, std::uint64_t>;
/// The part of a view's id that is reserved on stable storage and never repeats at a coordinator.
using epoch_number = strong_counter<struct epoch_number_tag, std::uint64_t>;

inline constexpr node_id no_node{};
inline constexpr std::size_t links_max = 8;
inline constexpr incarnation no_incarnation{};

/// Names a view, and before that the attempt to form it. Totally ordered: epoch, then coordinator, then its nonce.
struct view_id {
    epoch_number epoch;
    node_id coordinator;
    incarnation nonce;

    friend constexpr auto operator<=>(const view_id&, const view_id&) = default;
    friend constexpr bool operator==(const view_id&, const view_id&) = default;

    /// False for the id that stands for "no view".
    [[nodiscard]] constexpr bool valid() const { return epoch.value != 0; }
};

inline constexpr view_id no_view{};

/// One life of one node: what views are made of.
struct member {
    node_id node;
    incarnation nonce;

    friend constexpr auto operator<=>(const member&, const member&) = default;
    friend constexpr bool operator==(const member&, const member&) = default;
};

} // namespace coterie::base
