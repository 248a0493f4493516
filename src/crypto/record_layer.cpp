// SPDX-License-Identifier: BSD-3-Clause
// What costs much (a key for a life that is not known) is only done for datagrams that come from a node's own address and
// name a key that is there; its result is kept for the next such datagram, in the one place that there is for it.
#include "crypto/record_layer.hpp"

#include "base/assert.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

namespace coterie::crypto {

namespace {

/// Between two questions to a node, and two answers to one life that does not count.
constexpr auto pace = std::chrono::milliseconds(10);

nonce nonce_of(std::uint64_t counter) {
    nonce result{};
    std::memcpy(result.data() + (nonce_bytes - sizeof(counter)), &counter, sizeof(counter));
    return result;
}

/// The parts of a datagram.
base::bytes_view clear_of(base::bytes_view datagram) { return datagram.first(wire::sealed_header_bytes); }
base::bytes_view body_of(base::bytes_view datagram) { return datagram.subspan(wire::header_bytes); }
std::span<const std::byte, aead_tag_bytes> tag_of(base::bytes_view datagram) {
    static_assert(wire::tag_bytes == aead_tag_bytes);
    return datagram.subspan<wire::sealed_header_bytes, aead_tag_bytes>();
}

} // namespace

record_layer::record_layer(identity who, keyring keys, cipher seals_with, base::buffer_pool& pool)
    : _who(who),
      _keys(std::move(keys)),
      _cipher(seals_with),
      _seals(_keys.used.derive(aead::direction::seals, seals_with, who.self)),
      _pool(pool) {}

base::buffer record_layer::seal(const base::buffer& packet, std::uint64_t counter) {
    // Not in place: the protocol keeps what it has sent, to deliver it and to send it again.
    base::buffer result = _pool.take(packet.size());
    result.resize(packet.size());
    const std::span<std::byte> bytes = result.writable();
    std::memcpy(bytes.data(), packet.bytes().data(), wire::sealed_header_bytes);
    wire::write_key(bytes, _keys.used.slot(), static_cast<std::uint8_t>(_cipher), counter);
    _seals.seal(nonce_of(counter), clear_of(bytes), body_of(packet.bytes()), bytes.subspan(wire::header_bytes),
                bytes.subspan<wire::sealed_header_bytes, aead_tag_bytes>());
    result.mark_sealed();
    return result;
}

record_layer::sender& record_layer::at(place from) {
    if (from >= _senders.size()) {
        _senders.resize(from + 1);
    }
    return _senders[from];
}

record_layer::opener record_layer::derive(const cluster_key& key, cipher which, const wire::header& fields) const {
    return {.node = fields.from.node,
            .life = fields.from.nonce,
            .slot = fields.key_slot,
            .which = which,
            .opens = key.derive(aead::direction::opens, which, {fields.from.node, fields.from.nonce})};
}

record_layer::opener& record_layer::opener_for(sender& from, const cluster_key& key, cipher which,
                                               const wire::header& fields) {
    for (std::optional<opener>* const each : {&from.present, &from.previous, &from.stranger}) {
        if (*each && (*each)->fits(fields)) {
            return **each;
        }
    }
    from.stranger.emplace(derive(key, which, fields));
    return *from.stranger;
}

record_layer::taken record_layer::take(base::time_point now, place place_from, base::bytes_view datagram,
                                       const wire::header& fields) {
    sender& from = at(place_from);
    record_refusals& refused = from.known.refused;
    const bool counts = fields.from.nonce == from.known.life;
    const auto refuse = [](std::uint64_t& counter, verdict what) {
        ++counter;
        return taken{.what = what, .datagram = {}, .packet = {}, .reply = {}};
    };
    if (fields.key_slot == 0) {
        return refuse(refused.no_key, verdict::unknown_key);
    }
    const cluster_key* const key = _keys.of(fields.key_slot);
    const auto which = cipher_of(fields.cipher);
    if (key == nullptr || !which) {
        return refuse(refused.unknown_key, verdict::unknown_key);
    }
    if (counts) {
        switch (from.seen.judge(fields.counter)) {
        case replay_window::verdict::fresh: break;
        case replay_window::verdict::seen:
            return {.what = verdict::duplicate, .datagram = {}, .packet = {}, .reply = {}};
        case replay_window::verdict::too_old: return refuse(refused.replayed, verdict::replayed);
        }
    }
    opener& under = opener_for(from, *key, *which, fields);
    base::buffer clear = _pool.take(datagram.size());
    clear.resize(datagram.size());
    const std::span<std::byte> body = clear.writable().subspan(wire::header_bytes);
    if (!under.opens.open(nonce_of(fields.counter), clear_of(datagram), body_of(datagram), body, tag_of(datagram))) {
        return refuse(refused.wrong_tag, verdict::wrong_tag);
    }
    std::memcpy(clear.writable().data(), datagram.data(), wire::header_bytes);
    const wire::opened packet{.kind = fields.kind, .from = fields.from, .counter = fields.counter, .body = body};
    if (!counts) {
        base::buffer reply = answer(now, from, packet, false);
        const bool proved = fields.from.nonce == from.known.life;
        refused.unproven += proved ? 0 : 1;
        return {.what = proved ? verdict::consumed : verdict::unproven,
                .datagram = {},
                .packet = {},
                .reply = std::move(reply)};
    }
    from.seen.add(fields.counter);
    if (from.stranger && &under == &*from.stranger) {
        // The life that counts has changed its key.
        from.previous = std::exchange(from.present, std::exchange(from.stranger, std::nullopt));
    }
    from.known.slot_used = fields.key_slot;
    if (packet.kind == wire::packet_kind::life_proof) {
        return {.what = verdict::consumed, .datagram = {}, .packet = {}, .reply = answer(now, from, packet, true)};
    }
    base::buffer reply = from.told ? base::buffer{}
                                   : encode({.to = fields.from.node,
                                             .question = next_question(now, from),
                                             .answered = {},
                                             .answer = 0,
                                             .other_slot = slot_accepted()});
    return {.what = verdict::good, .datagram = std::move(clear), .packet = packet, .reply = std::move(reply)};
}

std::uint64_t record_layer::next_question(base::time_point now, sender& to) {
    if (to.asked != 0 && now - to.asked_at < pace) {
        return 0;
    }
    to.asked_at = now;
    return ++to.asked;
}

/// Nothing if it would say nothing.
base::buffer record_layer::encode(const wire::life_proof& packet) {
    if (packet.question == 0 && packet.answer == 0) {
        return {};
    }
    return wire::encode(_pool, {.cluster = _who.cluster, .node = _who.self.node, .nonce = _who.self.nonce}, packet);
}

bool record_layer::proves(const sender& from, const wire::life_proof& proof) const {
    return proof.answered == _who.self.nonce && proof.answer > from.worthless && proof.answer <= from.asked;
}

void record_layer::begin_life(sender& from, const wire::opened& packet) {
    from.known.life = packet.from.nonce;
    from.present = std::exchange(from.stranger, std::nullopt);
    from.previous.reset();
    from.known.slot_used = from.present->slot;
    from.worthless = from.asked;
    from.told = false;
    from.seen.begin(packet.counter);
    from.seen.add(packet.counter);
}

bool record_layer::may_answer(base::time_point now, sender& to, base::incarnation life) {
    if (now - to.answering_since >= pace) {
        to.answering_since = now;
        to.answered_count = 0;
    }
    const auto lives = std::span(to.answered).first(to.answered_count);
    if (lives.size() == lives_answered_max || std::ranges::find(lives, life) != lives.end()) {
        return false;
    }
    to.answered[to.answered_count++] = life;
    return true;
}

base::buffer record_layer::answer(base::time_point now, sender& to, const wire::opened& packet, bool counts) {
    wire::life_proof reply{
        .to = packet.from.node, .question = 0, .answered = {}, .answer = 0, .other_slot = slot_accepted()};
    if (packet.kind == wire::packet_kind::life_proof) {
        const auto proof = wire::decode_life_proof(packet.body);
        if (!proof || proof->to != _who.self.node) {
            return {};
        }
        if (!counts && proves(to, *proof)) {
            begin_life(to, packet);
            counts = true;
        }
        if (counts) {
            to.known.slot_accepted = proof->other_slot;
            to.told = to.told || (proof->answered == _who.self.nonce && proof->answer > to.untold);
        }
        if (proof->question != 0 && (counts || may_answer(now, to, packet.from.nonce))) {
            reply.answered = packet.from.nonce;
            reply.answer = proof->question;
        }
    }
    if (!counts) {
        reply.question = next_question(now, to);
    }
    return encode(reply);
}

bool record_layer::vouches_for(base::bytes_view datagram, const wire::header& fields) const {
    const cluster_key* const key = _keys.of(fields.key_slot);
    const auto which = cipher_of(fields.cipher);
    if (key == nullptr || !which) {
        return false;
    }
    base::buffer clear = _pool.take(datagram.size());
    clear.resize(datagram.size());
    return derive(*key, *which, fields)
        .opens.open(nonce_of(fields.counter), clear_of(datagram), body_of(datagram),
                    clear.writable().subspan(wire::header_bytes), tag_of(datagram));
}

void record_layer::change_keys(keyring keys) {
    _keys = std::move(keys);
    _seals = _keys.used.derive(aead::direction::seals, _cipher, _who.self);
    for (sender& each : _senders) {
        each.untold = each.asked;
        each.told = false;
        for (std::optional<opener>* const one : {&each.present, &each.previous, &each.stranger}) {
            // One of a slot that is still there may be of another key that has the same.
            one->reset();
        }
    }
}

record_layer::sender_report record_layer::report(place of) const {
    return of < _senders.size() ? _senders[of].known : sender_report{};
}

} // namespace coterie::crypto
