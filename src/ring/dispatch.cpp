// SPDX-License-Identifier: BSD-3-Clause
// The way of a packet through the engine: decoded by kind, judged by view and life of its sender, given to the part that
// it concerns.
#include "ring/engine_core.hpp"

namespace coterie::ring {

std::optional<std::size_t> engine::core::place_in(const member& from, view_id view) {
    if (_membership.order() == nullptr || _membership.order()->view().id != view) {
        _membership.on_evidence(from, view);
    }
    view_order* order = _membership.order();
    if (order == nullptr || order->view().id != view) {
        ++_context.counts.other_view;
        return std::nullopt;
    }
    const auto place = order->place_of(from.node);
    if (!place || order->view().members[*place] != from) {
        ++_context.counts.implausible;
        return std::nullopt;
    }
    return place;
}

template <class Packet, class Give>
void engine::core::give(const member& from, std::optional<Packet> packet, Give give) {
    if (!packet) {
        ++_context.counts.malformed;
        return;
    }
    if (const auto place = place_in(from, packet->view)) {
        give(*_membership.order(), *place, *packet);
    }
}

void engine::core::dispatch(const member& from, wire::packet_kind kind, base::bytes_view body,
                            const base::buffer& datagram) {
    switch (kind) {
    case wire::packet_kind::data:
    case wire::packet_kind::token:
    case wire::packet_kind::token_proof:
    case wire::packet_kind::token_request:
    case wire::packet_kind::acknowledgement:
    case wire::packet_kind::repair_request: dispatch_order(from, kind, body, datagram); break;
    default: dispatch_membership(from, kind, body, datagram); break;
    }
}

void engine::core::dispatch_order(const member& from, wire::packet_kind kind, base::bytes_view body,
                                  const base::buffer& datagram) {
    switch (kind) {
    case wire::packet_kind::data:
        give(from, wire::decode_data(body), [&](view_order& order, std::size_t place, const wire::data& packet) {
            order.on_data(place, packet, datagram);
        });
        break;
    case wire::packet_kind::token:
        give(from, wire::decode_token(body),
             [](view_order& order, std::size_t place, const wire::token& packet) { order.on_token(place, packet); });
        break;
    case wire::packet_kind::token_proof:
        give(from, wire::decode_token_proof(body),
             [](view_order& order, std::size_t place, const wire::token_proof& packet) {
                 order.on_token_proof(place, packet);
             });
        break;
    case wire::packet_kind::token_request:
        give(from, wire::decode_token_request(body),
             [](view_order& order, std::size_t place, const wire::token_request& packet) {
                 order.on_token_request(place, packet);
             });
        break;
    case wire::packet_kind::acknowledgement:
        give(from, wire::decode_acknowledgement(body),
             [](view_order& order, std::size_t place, const wire::acknowledgement& packet) {
                 order.on_acknowledgement(place, packet);
             });
        break;
    case wire::packet_kind::repair_request: {
        const auto packet = wire::decode_repair_request(body);
        if (packet && packet->attempt.valid()) {
            _membership.on_recovery_request(from, *packet);
            break;
        }
        give(from, packet, [](view_order& order, std::size_t place, const wire::repair_request& request) {
            order.on_repair_request(place, request);
        });
        break;
    }
    default: ++_context.counts.malformed; break;
    }
}

void engine::core::dispatch_membership(const member& from, wire::packet_kind kind, base::bytes_view body,
                                       const base::buffer& datagram) {
    const auto hand = [&](auto packet, auto take) {
        if (packet) {
            take(std::move(*packet));
        } else {
            ++_context.counts.malformed;
        }
    };
    switch (kind) {
    case wire::packet_kind::proposal:
        hand(wire::decode_proposal(body), [&](wire::proposal packet) { _membership.on_proposal(from, packet); });
        break;
    case wire::packet_kind::report:
        hand(wire::decode_report(body), [&](wire::report packet) { _membership.on_report(from, std::move(packet)); });
        break;
    case wire::packet_kind::refusal:
        hand(wire::decode_refusal(body), [&](wire::refusal packet) { _membership.on_refusal(from, packet); });
        break;
    case wire::packet_kind::plan:
        hand(wire::decode_plan(body), [&](wire::plan packet) { _membership.on_plan(from, std::move(packet)); });
        break;
    case wire::packet_kind::completion:
        hand(wire::decode_completion(body), [&](wire::completion packet) { _membership.on_completion(from, packet); });
        break;
    case wire::packet_kind::install:
        hand(wire::decode_install(body), [&](wire::install packet) { _membership.on_install(from, packet); });
        break;
    case wire::packet_kind::recovered:
        hand(wire::decode_recovered(body), [&](wire::recovered packet) { _membership.on_recovered(packet, datagram); });
        break;
    default: ++_context.counts.malformed; break;
    }
}

void engine::core::take_heartbeat(const member& from, base::bytes_view body) {
    const auto packet = wire::decode_heartbeat(body);
    if (!packet) {
        ++_context.counts.malformed;
        return;
    }
    _hearing.on_heartbeat({_context.self.cluster, from.node, from.nonce}, *packet);
    const peer* known = _hearing.find(from.node);
    if (known == nullptr || known->nonce != from.nonce) {
        return;
    }
    _membership.on_heartbeat(from, *packet);
    if (!packet->view.valid()) {
        return;
    }
    view_order* order = _membership.order();
    if (order == nullptr || order->view().id != packet->view) {
        _membership.on_evidence(from, packet->view);
        order = _membership.order();
    }
    if (order != nullptr && order->view().id == packet->view) {
        const auto place = order->place_of(from.node);
        if (place && order->view().members[*place] == from) {
            order->on_heartbeat(*place, *packet);
        }
    }
}

} // namespace coterie::ring
