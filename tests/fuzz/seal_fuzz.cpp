// SPDX-License-Identifier: BSD-3-Clause
// Fuzzes the record layer: a node and its earlier life that share a key with the receiver, somebody without the key who plays
// back and alters all that they have said, and somebody with the key who says odd things of lives. Nothing altered is ever
// taken, nothing is taken twice, and a life that has gone says nothing any more.
#include "crypto/record_layer.hpp"
#include "tests/fuzz/decoder_target.hpp"
#include "tests/support/whims.hpp"

#include <array>
#include <cstring>
#include <optional>
#include <vector>

namespace {

using namespace coterie;
using crypto::record_layer;
using verdict = record_layer::verdict;

constexpr std::size_t recorded_max = 256;
constexpr std::uint32_t peer = 1;

crypto::cluster_key key(std::uint8_t number) {
    std::array<std::byte, crypto::material_bytes_min> material{};
    material.fill(std::byte{number});
    return {material, "fuzz"};
}

struct daemon {
    daemon(std::uint32_t node, std::uint64_t life)
        : self{{node}, {life}},
          records({.self = self, .cluster = tests::sender.cluster}, {key(1), key(2)}, crypto::cipher::aes_128_gcm,
                  pool) {}

    [[nodiscard]] base::buffer say() {
        return records.seal(
            wire::encode(pool, {tests::sender.cluster, self.node, self.nonce}, tests::sample<wire::token_proof>()),
            ++counter);
    }

    base::buffer_pool pool;
    base::member self;
    record_layer records;
    std::uint64_t counter = 0;
};

class world {
public:
    void play(tests::whims& whim) {
        while (!whim.over()) {
            switch (whim.below(8)) {
            case 0: said(_now_alive->say()); break;
            case 1: again(whim); break;
            case 2: altered(whim); break;
            case 3: lie(whim); break;
            case 4: restart(); break;
            case 5: _time += std::chrono::milliseconds(whim.byte()); break;
            case 6: change_keys(whim); break;
            default: hear(_receiver.say());
            }
        }
    }

private:
    /// The node hears the receiver, and answers.
    void hear(const base::buffer& datagram) {
        const auto fields = wire::read_header(datagram.bytes(), tests::sender.cluster);
        tests::require(fields.has_value());
        const auto taken = _now_alive->records.take(_time, 2, datagram.bytes(), *fields);
        if (taken.reply) {
            said(_now_alive->records.seal(taken.reply, ++_now_alive->counter));
        }
    }

    /// Something new of the life that is alive.
    void said(const base::buffer& datagram) {
        if (_recorded.size() < recorded_max) {
            _recorded.push_back(datagram);
        }
        const auto taken = give(datagram.bytes());
        tests::require(taken && taken->what != verdict::wrong_tag && taken->what != verdict::duplicate &&
                       taken->what != verdict::replayed);
        if (taken->reply && ++_depth < 4) {
            hear(_receiver.records.seal(taken->reply, ++_receiver.counter));
        }
        _depth = 0;
    }

    void again(tests::whims& whim) {
        if (!_recorded.empty()) {
            const auto taken = give(_recorded[whim.byte() % _recorded.size()].bytes());
            tests::require(taken && taken->what != verdict::good);
        }
    }

    void altered(tests::whims& whim) {
        if (_recorded.empty()) {
            return;
        }
        const base::buffer& from = _recorded[whim.byte() % _recorded.size()];
        std::vector<std::byte> bytes(from.bytes().begin(), from.bytes().end());
        for (unsigned left = 1 + whim.below(4); left > 0; --left) {
            bytes[whim.byte() % bytes.size()] ^= std::byte{whim.byte()};
        }
        if (std::ranges::equal(bytes, from.bytes())) {
            return;
        }
        const auto fields = wire::read_header(bytes, tests::sender.cluster);
        tests::require(!fields || !_receiver.records.vouches_for(bytes, *fields));
        const auto taken = give(bytes);
        tests::require(!taken || (taken->what != verdict::good && taken->what != verdict::consumed &&
                                  taken->what != verdict::unproven && !taken->reply));
    }

    /// Somebody with the key speaks of lives.
    void lie(tests::whims& whim) {
        daemon liar(peer, 1'000U + whim.byte());
        const bool answers = whim.chance(2);
        const wire::life_proof lie{.to = {1 + whim.below(3)},
                                   .question = whim.byte(),
                                   .answered = {answers ? 1 + whim.below(3) : 0U},
                                   .answer = answers ? 1U + whim.byte() : 0U,
                                   .other_slot = whim.byte()};
        const base::buffer packet = wire::encode(liar.pool, {tests::sender.cluster, {peer}, liar.self.nonce}, lie);
        tests::require(give(liar.records.seal(packet, 1U + whim.byte()).bytes()).has_value());
    }

    void restart() {
        _now_alive.emplace(peer, ++_lives);
        said(_now_alive->say());
    }

    void change_keys(tests::whims& whim) {
        const std::uint8_t used = 1 + whim.byte() % 2;
        _receiver.records.change_keys({key(used), key(used == 1 ? 2 : 1)});
    }

    std::optional<record_layer::taken> give(base::bytes_view datagram) {
        const auto fields = wire::read_header(datagram, tests::sender.cluster);
        if (!fields) {
            return std::nullopt;
        }
        auto taken = _receiver.records.take(_time, peer, datagram, *fields);
        if (taken.what == verdict::good) {
            tests::require(taken.packet && fields->from.nonce == _receiver.records.report(peer).life);
        }
        return taken;
    }

    std::uint64_t _lives = 10;
    std::optional<daemon> _now_alive{std::in_place, peer, 10U};
    daemon _receiver{2, 2};
    base::time_point _time{std::chrono::seconds(1)};
    std::vector<base::buffer> _recorded;
    int _depth = 0;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    tests::whims whim(std::as_bytes(std::span(bytes, std::min<std::size_t>(size, 2'048))));
    world().play(whim);
    return 0;
}
