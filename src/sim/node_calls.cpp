// SPDX-License-Identifier: BSD-3-Clause
// What the daemon on a simulated machine asks of it: to send, to store, to hand events to clients; and what the world
// asks about it.
#include "sim/client.hpp"
#include "sim/node.hpp"
#include "sim/world.hpp"

#include <utility>

namespace coterie::sim {

using trace::event_kind;

void node::send(const base::buffer& packet, std::span<const node_id> targets) {
    if (_dead_inside) {
        return;
    }
    const base::buffer ready = sealed(packet);
    for (const node_id target : targets) {
        if (target.value == 0 || target.value > _world.options().nodes || target == _id) {
            _world.complain(_id, "the engine sends to node " + std::to_string(target.value));
            continue;
        }
        _batch.push_back({ready, target});
    }
}

base::buffer node::sealed(base::buffer packet) {
    if (_records) {
        return _records->seal(packet, ++_packet_counter);
    }
    if (!packet.sealed()) {
        wire::seal(packet, ++_packet_counter);
    }
    return packet;
}

void node::store(epoch_number epoch) {
    if (_dead_inside) {
        return;
    }
    if (const auto done = storage.write(now(), epoch, _random)) {
        _world.plan(*done - now(), happening::written, _id, storage.generation());
    }
}

void node::on_step(const step& what) {
    if (_dead_inside) {
        return;
    }
    ++_steps[static_cast<std::size_t>(what.what) % step_kinds];
    if (_stage.follow(what)) {
        _stage_since = now();
        if (storage.slow() && storage.writing()) {
            _world.met(_id.value - 1, fault::slow_store);
        }
    }
    _world.on_step(*this, what);
}

client* node::client_of(groups::handle_id handle) {
    const auto found = _clients.find(handle);
    return found == _clients.end() ? nullptr : found->second;
}

void node::on_change(groups::handle_id handle, const groups::change& what) {
    client* reader = client_of(handle);
    if (reader == nullptr || _dead_inside) {
        return;
    }
    trace::event seen = reader->event_of(event_kind::client_change);
    seen.group = what.group;
    seen.processes.assign(what.members.begin(), what.members.end());
    seen.left.assign(what.left.begin(), what.left.end());
    seen.joined.assign(what.joined.begin(), what.joined.end());
    reader->tell(std::move(seen));
}

void node::on_message(groups::handle_id handle, const groups::message& what) {
    client* reader = client_of(handle);
    if (reader == nullptr || _dead_inside) {
        return;
    }
    trace::event seen = reader->event_of(event_kind::client_delivered);
    seen.group = what.group;
    seen.sender = what.sender;
    seen.message = trace::digest(what.body);
    reader->tell(std::move(seen));
}

void node::on_ring_view(groups::handle_id handle, const groups::ring_view& view) {
    client* reader = client_of(handle);
    if (reader == nullptr || _dead_inside) {
        return;
    }
    trace::event seen = reader->event_of(event_kind::client_view);
    seen.view = {view.id.epoch, view.id.coordinator, {}};
    for (const node_id member : view.members) {
        seen.members.push_back({member, {}});
    }
    reader->tell(std::move(seen));
}

void node::on_writable(groups::handle_id handle) {
    client* writer = client_of(handle);
    if (writer != nullptr && !_dead_inside) {
        writer->writable();
    }
}

void node::record(const trace::event& what) {
    if (!_dead_inside) {
        _world.record(what);
    }
}

void node::note(event_kind kind) {
    trace::event what;
    what.kind = kind;
    what.time_ns = now().time_since_epoch().count();
    what.node = _id;
    what.stream = _nonce.value;
    _world.record(what);
}

void node::record_tables() {
    if (alive()) {
        _service->record_tables(now().time_since_epoch().count());
    }
}

void node::check_bounds() {
    if (!alive()) {
        return;
    }
    const std::size_t stored = _engine->stored_packets();
    const ring::settings& limits = _world.options().ring;
    // The window, and a table packet a member. A member that has frozen its view behind the others' stable point may
    // recover as much again.
    const std::size_t windows = _engine->operational() ? 1 : 2;
    if (stored > windows * limits.window_packets + _world.options().nodes) {
        _world.complain(_id, "keeps " + std::to_string(stored) + " packets for repair, more than its window");
    }
    if (_service->open_handles() > _world.options().groups.handles_max) {
        _world.complain(_id, "has more handles open than it may");
    }
}

} // namespace coterie::sim
