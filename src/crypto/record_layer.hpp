// SPDX-License-Identifier: BSD-3-Clause
// Packets under a key: each is sealed once for all its targets, header authenticated, body encrypted; and opened, if it is
// what a node's present life has sealed and has not come before. A life counts once it has answered a question that was
// asked after the last one began to count, so that recordings of earlier lives are worth nothing (docs/wire.md). No clock,
// no I/O, nothing allocated for a packet but its buffer from the pool; whoever has no key leaves no trace here.
#pragma once

#include "base/buffer.hpp"
#include "base/time.hpp"
#include "crypto/keyring.hpp"
#include "crypto/replay_window.hpp"
#include "wire/codec.hpp"

#include <array>
#include <chrono>
#include <deque>
#include <optional>

namespace coterie::crypto {

/// What was thrown away of one sender's packets, or of what claims to be.
struct record_refusals {
    std::uint64_t no_key = 0;      ///< sealed without a key
    std::uint64_t unknown_key = 0; ///< under a key that this node does not have
    std::uint64_t wrong_tag = 0;   ///< forged, altered, or under another key of the same slot
    std::uint64_t replayed = 0;    ///< older than what is remembered
    std::uint64_t unproven = 0;    ///< of a life that has not proved that it is alive
};

class record_layer {
public:
    /// A sender, by a small number that its user knows it by.
    using place = std::size_t;

    struct identity {
        base::member self;
        base::cluster_id cluster;
    };
    /// `pool` must outlive it.
    record_layer(identity who, keyring keys, cipher seals_with, base::buffer_pool& pool);

    /// A sealed copy of an encoded packet. `counter` is another one for each packet of this life.
    [[nodiscard]] base::buffer seal(const base::buffer& packet, std::uint64_t counter);

    enum class verdict : std::uint8_t {
        good,
        consumed,    ///< it was for this layer
        duplicate,   ///< it has come before
        unknown_key, ///< this one and those below are counted among the refusals
        wrong_tag,
        replayed,
        unproven,
    };
    struct taken {
        verdict what{};
        base::buffer datagram{};              ///< if good: the packet in the clear,
        std::optional<wire::opened> packet{}; ///< and what is in it
        base::buffer reply{};                 ///< if not empty: a packet to be sealed and sent to the sender
    };
    /// Judges a datagram that comes from where `node`, known as `from`, is. `fields` is its header.
    [[nodiscard]] taken take(base::time_point now, place from, base::bytes_view datagram, const wire::header& fields);
    /// Whether somebody with the key has sealed this datagram, whoever and whenever; leaves nothing behind.
    [[nodiscard]] bool vouches_for(base::bytes_view datagram, const wire::header& fields) const;

    /// From now on these keys, and no others. What is under way under a key that is in both is not lost. Others learn of it by
    /// questions that go with the answers to what they send.
    void change_keys(keyring keys);
    [[nodiscard]] std::uint8_t slot_used() const { return _keys.used.slot(); }
    /// 0: none.
    [[nodiscard]] std::uint8_t slot_accepted() const { return _keys.other ? _keys.other->slot() : 0; }
    [[nodiscard]] cipher seals_with() const { return _cipher; }

    /// What is known of a sender.
    struct sender_report {
        base::incarnation life;         ///< that counts; none before the first
        std::uint8_t slot_used = 0;     ///< of the key under which its latest packet was; 0: none came yet
        std::uint8_t slot_accepted = 0; ///< of the key that it has said it accepts besides
        record_refusals refused;
    };
    [[nodiscard]] sender_report report(place of) const;

private:
    struct opener {
        base::node_id
            node; ///< all that the key comes from: what somebody has altered must not stand in for what is right
        base::incarnation life;
        std::uint8_t slot;
        cipher which;
        aead opens;
        [[nodiscard]] bool fits(const wire::header& fields) const {
            return node == fields.from.node && life == fields.from.nonce && slot == fields.key_slot &&
                   static_cast<std::uint8_t>(which) == fields.cipher;
        }
    };
    static constexpr std::size_t lives_answered_max = 16;
    struct sender {
        sender_report known;
        replay_window seen;
        std::optional<opener> present;  ///< of the life that counts, under the key that it uses
        std::optional<opener> previous; ///< and under the one that it used before
        std::optional<opener> stranger; ///< of the latest other life
        std::uint64_t asked = 0;        ///< the latest question
        std::uint64_t worthless = 0;    ///< answers to questions up to this one prove nothing,
        std::uint64_t untold = 0;       ///< and those to questions up to this one not that the keys of now are known
        bool told = false;              ///< the life that counts knows which keys are accepted here
        base::time_point asked_at{};
        base::time_point answering_since{};
        std::array<base::incarnation, lives_answered_max> answered{}; ///< lives, since then
        std::size_t answered_count = 0;
    };

    [[nodiscard]] sender& at(place from);
    [[nodiscard]] opener& opener_for(sender& from, const cluster_key& key, cipher which, const wire::header& fields);
    [[nodiscard]] opener derive(const cluster_key& key, cipher which, const wire::header& fields) const;
    /// A packet of the life that counts, or of another; the tag is good.
    [[nodiscard]] base::buffer answer(base::time_point now, sender& to, const wire::opened& packet, bool counts);
    [[nodiscard]] static bool may_answer(base::time_point now, sender& to, base::incarnation life);
    [[nodiscard]] base::buffer encode(const wire::life_proof& packet);
    /// 0: not yet again.
    [[nodiscard]] static std::uint64_t next_question(base::time_point now, sender& to);
    [[nodiscard]] bool proves(const sender& from, const wire::life_proof& proof) const;
    void begin_life(sender& from, const wire::opened& packet);

    identity _who;
    keyring _keys;
    cipher _cipher;
    aead _seals;
    base::buffer_pool& _pool;
    std::deque<sender> _senders; ///< by place
};

} // namespace coterie::crypto
