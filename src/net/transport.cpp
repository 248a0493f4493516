// SPDX-License-Identifier: BSD-3-Clause
// Between the protocol above, which names nodes, and the sockets of the links below, which know addresses: seals, chooses
// links, opens what comes, and keeps duplicates and probes from the protocol.
#include "net/transport.hpp"

#include "net/duplicate_filter.hpp"
#include "net/link_socket.hpp"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <deque>
#include <optional>
#include <unordered_map>
#include <utility>

namespace coterie::net {

namespace {

/// Packets that are few and small, and on which it hangs that nodes find each other and agree on a view.
bool is_control(wire::packet_kind kind) {
    switch (kind) {
    case wire::packet_kind::heartbeat:
    case wire::packet_kind::life_proof:
    case wire::packet_kind::proposal:
    case wire::packet_kind::report:
    case wire::packet_kind::refusal:
    case wire::packet_kind::plan:
    case wire::packet_kind::completion:
    case wire::packet_kind::install: return true;
    default: return false;
    }
}

/// Errors of one datagram, or of the moment; all others are about the way.
bool is_about_the_way(int error) { return error != EMSGSIZE && error != ENOBUFS && error != ENOMEM; }

path_watch::settings watch_settings(const transport_settings& from) {
    path_watch::settings result{.self = from.self.nonce, .links = {}, .mode = from.mode, .limits = from.limits};
    for (const local_link& each : from.links) {
        result.links.push_back({.number = each.number, .priority = each.priority});
    }
    return result;
}

} // namespace

const address* peer::on(link_number link) const {
    const auto found = std::ranges::find(at, link, &link_address::link);
    return found == at.end() ? nullptr : &found->where;
}

const address* transport_settings::local(link_number link) const {
    const auto found = std::ranges::find(links, link, &local_link::number);
    return found == links.end() ? nullptr : &found->where;
}

class transport::core final : path_watch::outputs, link_socket::user {
public:
    core(const transport_settings& settings, base::buffer_pool& pool, std::optional<encryption> sealing)
        : _settings(settings),
          _pool(&pool),
          _watch(watch_settings(settings), *this) {
        if (sealing) {
            _records.emplace(crypto::record_layer::identity{.self = settings.self, .cluster = settings.cluster},
                             std::move(sealing->keys), sealing->seals_with, pool);
        }
        for (const peer& each : settings.peers) {
            for (const link_address& where : each.at) {
                add(each.node, where);
            }
        }
    }

    std::optional<open_fault> open() {
        for (const local_link& each : _settings.links) {
            auto opened = open_socket(each);
            if (!opened) {
                return open_fault{.link = each.number, .what = opened.error()};
            }
            _descriptors.push_back(opened->descriptor());
            _sockets.push_back(std::move(*opened));
        }
        if (_absent.size() == _settings.links.size()) {
            return open_fault{.link = _absent.front(), .what = std::make_error_code(std::errc::address_not_available)};
        }
        return std::nullopt;
    }

    std::span<const int> descriptors() const { return _descriptors; }
    const std::vector<link_number>& absent() const { return _absent; }
    bool waiting(std::size_t place) const { return _sockets[place].waiting(); }
    const transport_counters& counts() const { return _counts; }
    crypto::record_layer* records() { return _records ? &*_records : nullptr; }

    std::expected<wire::opened, wire::refusal_reason> judge(base::bytes_view datagram) const {
        if (!_records) {
            return wire::open(datagram, _settings.cluster);
        }
        const auto fields = wire::read_header(datagram, _settings.cluster);
        if (!fields) {
            return std::unexpected(fields.error());
        }
        if (!_records->vouches_for(datagram, *fields)) {
            return std::unexpected(wire::refusal_reason::tag);
        }
        return wire::opened{.kind = fields->kind, .from = fields->from, .counter = fields->counter, .body = {}};
    }

    std::optional<crypto::record_layer::sender_report> record_report(node_id node) const {
        const auto place = _places.find(node.value);
        return _records && place != _places.end() ? std::optional(_records->report(place->second)) : std::nullopt;
    }
    offloads works_with() const { return _sockets.front().works_with(); }
    socket_buffers buffers() const { return _sockets.front().buffers(); }
    time_point deadline() const { return _news.empty() && _unsegmented.empty() ? _watch.deadline() : time_point{}; }

    void add(node_id node, const link_address& fresh) {
        const auto [known, is_new] = _places.emplace(node.value, _nodes.size());
        if (is_new) {
            _nodes.emplace_back().id = node;
            _watch.add_node();
        }
        known_path& path = _nodes[known->second].paths[fresh.link.value];
        path.where = fresh.where;
        _owners.emplace(fresh.where.text(), owner{.node = known->second, .link = fresh.link});
        _watch.add_path(known->second, fresh.link);
    }

    void send(const base::buffer& packet, std::span<const node_id> targets) {
        const bool control = is_control(wire::kind_of(packet));
        const base::buffer sealed = sealed_once(packet);
        for (const node_id target : targets) {
            const auto place = _places.find(target.value);
            if (place != _places.end()) {
                const std::size_t node = place->second;
                queue(sealed, node, control ? _watch.for_control(node) : _watch.for_traffic(node));
            }
        }
    }

    void flush(time_point now) {
        _now = now;
        do {
            _rerouted = false;
            for (_at = 0; _at < _sockets.size(); ++_at) {
                if (_sockets[_at].queued() > 0 && !_sockets[_at].flush(_batch, *this)) {
                    ++_counts.out_of_room;
                }
            }
        } while (_rerouted);
    }

    bool receive(time_point now, packet_sink& sink, std::size_t datagrams_max) {
        _now = now;
        _sink = &sink;
        bool more = false;
        for (_at = 0; _at < _sockets.size(); ++_at) {
            more = _sockets[_at].receive(_batch, *this, datagrams_max) || more;
        }
        tell(sink);
        return more;
    }

    void on_time(time_point now, packet_sink& sink) {
        _now = now;
        _watch.on_time(now);
        tell(sink);
    }

    std::vector<path_status> paths(time_point now, node_id node) const {
        std::vector<path_status> result;
        const auto place = _places.find(node.value);
        if (place == _places.end()) {
            return result;
        }
        for (const path_report& each : _watch.paths(now, place->second)) {
            const known_path& path = _nodes[place->second].paths[each.link.value];
            result.push_back({.seen = each, .where = *path.where, .sent = path.sent, .received = path.received});
        }
        return result;
    }

    std::vector<node_paths> paths(time_point now) const {
        std::vector<node_paths> result;
        for (const known_node& each : _nodes) {
            result.push_back({.node = each.id, .paths = paths(now, each.id)});
        }
        return result;
    }

private:
    struct known_path {
        std::optional<address> where;
        std::uint64_t sent = 0;
        std::uint64_t received = 0;
    };
    struct known_node {
        node_id id;
        std::array<known_path, base::links_max> paths;
        duplicate_filter seen;
    };
    struct owner {
        std::size_t node;
        link_number link;
    };
    struct news {
        std::size_t node;
        std::optional<path_report> path; ///< nothing: a refused port
    };
    struct refused_row {
        std::size_t node;
        link_number link;
        int error;
    };

    base::buffer sealed_once(base::buffer packet) {
        if (_records) {
            return _records->seal(packet, ++_counter);
        }
        if (!packet.sealed()) {
            wire::seal(packet, ++_counter);
        }
        return packet;
    }

    void queue(const base::buffer& sealed, std::size_t node, link_set links) {
        const bool only_one = std::popcount(links) == 1;
        for (std::size_t place = 0; place < _sockets.size(); ++place) {
            const link_number link = _settings.links[place].number;
            if (!has(links, link)) {
                continue;
            }
            if (_sockets[place].queued() >= _settings.queue_datagrams_max) {
                ++_counts.dropped;
                continue;
            }
            _sockets[place].queue({.packet = sealed,
                                   .where = &*_nodes[node].paths[link.value].where,
                                   .node = node,
                                   .only_here = only_one});
        }
    }

    /// Of several links one may be without its address for now: a card that is missing shall not keep a machine out.
    std::expected<link_socket, std::error_code> open_socket(const local_link& link) {
        link_socket::wishes wanted{.buffer_bytes = _settings.socket_bytes, .offloads = _settings.offloads};
        auto opened = link_socket::open(link.where, wanted);
        if (opened || opened.error() != std::errc::address_not_available || _settings.links.size() == 1) {
            return opened;
        }
        _absent.push_back(link.number);
        wanted.if_absent = true;
        return link_socket::open(link.where, wanted);
    }

    [[nodiscard]] link_number link_here() const { return _settings.links[_at].number; }

    // link_socket::user
    void on_datagram(base::bytes_view padded, const sockaddr_storage& source, const base::buffer& space,
                     bool fills_space) override {
        const base::bytes_view bytes = wire::without_padding(padded);
        if (_records) {
            take_sealed(bytes, source);
            return;
        }
        // Judged where it lies; what is thrown away costs no copy.
        const auto judged = wire::open(bytes, _settings.cluster);
        if (!judged) {
            refuse(judged.error(), bytes, source);
            return;
        }
        const auto place = place_of(judged->from.node, bytes, source);
        if (!place) {
            return;
        }
        known_node& from = _nodes[*place];
        count(*place);
        if (judged->kind == wire::packet_kind::link_probe) {
            take_probe(*place, *judged);
            return;
        }
        if (_sockets.size() > 1 && !from.seen.is_new(judged->from.nonce, judged->counter)) {
            ++_counts.duplicates;
            return;
        }
        const base::buffer datagram = fills_space ? _pool->part(space, bytes) : _pool->copy(bytes);
        wire::opened moved = *judged;
        moved.body =
            datagram.bytes().subspan(static_cast<std::size_t>(judged->body.data() - bytes.data()), judged->body.size());
        _sink->on_packet(datagram, moved, bytes);
    }

    void refuse(wire::refusal_reason reason, base::bytes_view bytes, const sockaddr_storage& source) {
        ++_counts.refused[static_cast<std::size_t>(reason)];
        if (reason == wire::refusal_reason::cluster) {
            strange(bytes, source);
        }
    }

    /// The place of the node from which a datagram says it comes, if that node is known and is where it came from.
    std::optional<std::size_t> place_of(node_id node, base::bytes_view bytes, const sockaddr_storage& source) {
        const auto place = _places.find(node.value);
        if (place == _places.end()) {
            ++_counts.unknown_node;
            strange(bytes, source);
            return std::nullopt;
        }
        const known_path& path = _nodes[place->second].paths[link_here().value];
        // Nodes send from where they are listened to. A second daemon with the id of a node can be anywhere else.
        if (!path.where || !path.where->is(source)) {
            ++_counts.wrong_address;
            strange(bytes, source);
            return std::nullopt;
        }
        return place->second;
    }

    /// What is cheap comes first: most of what strangers send costs no decryption.
    void take_sealed(base::bytes_view bytes, const sockaddr_storage& source) {
        const auto fields = wire::read_header(bytes, _settings.cluster);
        if (!fields) {
            refuse(fields.error(), bytes, source);
            return;
        }
        const auto place = place_of(fields->from.node, bytes, source);
        if (!place) {
            return;
        }
        using verdict = crypto::record_layer::verdict;
        const crypto::record_layer::taken taken = _records->take(_now, *place, bytes, *fields);
        switch (taken.what) {
        case verdict::unknown_key: refuse(wire::refusal_reason::key_slot, bytes, source); return;
        case verdict::wrong_tag: refuse(wire::refusal_reason::tag, bytes, source); return;
        case verdict::replayed: ++_counts.replayed; return;
        case verdict::duplicate: ++_counts.duplicates; return;
        case verdict::unproven: ++_counts.unproven; break;
        case verdict::consumed:
        case verdict::good: count(*place); break;
        }
        if (taken.reply) {
            queue(sealed_once(taken.reply), *place, _watch.for_control(*place));
        }
        if (taken.what != verdict::good) {
            return;
        }
        if (taken.packet->kind == wire::packet_kind::link_probe) {
            take_probe(*place, *taken.packet);
        } else {
            _sink->on_packet(taken.datagram, *taken.packet, bytes);
        }
    }

    void count(std::size_t place) {
        ++_counts.received;
        ++_nodes[place].paths[link_here().value].received;
    }

    void on_truncated() override { ++_counts.truncated; }

    void on_refusal(const address& where) override {
        ++_counts.refused_ports;
        const auto found = _owners.find(where.text());
        if (found != _owners.end()) {
            _watch.on_refused(_now, found->second.node, found->second.link);
        }
    }

    void on_sent(const link_socket::outgoing& what) override {
        ++_counts.sent;
        ++_nodes[what.node].paths[link_here().value].sent;
    }

    void on_unsegmented(std::size_t node, int error) override {
        ++_counts.refused_rows;
        _unsegmented.push_back({.node = node, .link = link_here(), .error = error});
    }

    void on_unsent(link_socket::outgoing what, int error) override {
        ++_counts.send_errors;
        _counts.last_send_error = error;
        if (!is_about_the_way(error)) {
            return;
        }
        _watch.on_unsendable(_now, what.node, link_here(), error);
        const auto others = static_cast<link_set>(_watch.for_traffic(what.node) & ~only(link_here()));
        if (what.only_here && others != 0) {
            // Nothing is lost that this machine knows it has not sent.
            ++_counts.rerouted;
            _rerouted = true;
            queue(what.packet, what.node, others);
        }
    }

    void take_probe(std::size_t node, const wire::opened& packet) {
        const auto probe = wire::decode_link_probe(packet.body);
        if (!probe || probe->link != link_here()) {
            ++_counts.bad_probes;
            return;
        }
        _watch.on_probe(_now, node, packet.from.nonce, *probe);
    }

    void strange(base::bytes_view bytes, const sockaddr_storage& raw) {
        if (const auto source = address::from(raw)) {
            _sink->on_stranger(bytes, link_here(), *source);
        }
    }

    // path_watch::outputs
    void send_probe(path_watch::node_place to, const wire::link_probe& probe) override {
        const wire::origin self{
            .cluster = _settings.cluster, .node = _settings.self.node, .nonce = _settings.self.nonce};
        // Not on another link instead: it is about this one.
        for (std::size_t place = 0; place < _sockets.size(); ++place) {
            if (_settings.links[place].number == probe.link) {
                _sockets[place].queue({.packet = sealed_once(wire::encode(*_pool, self, probe)),
                                       .where = &*_nodes[to].paths[probe.link.value].where,
                                       .node = to,
                                       .only_here = false});
            }
        }
    }
    void on_path(path_watch::node_place node, const path_report& now) override { _news.push_back({node, now}); }
    void on_refused(path_watch::node_place node) override { _news.push_back({node, std::nullopt}); }

    /// What is known of paths is told where nothing else is going on.
    void tell(packet_sink& sink) {
        for (const news& each : std::exchange(_news, {})) {
            if (each.path) {
                sink.on_path(_nodes[each.node].id, *each.path);
            } else {
                sink.on_refused(_nodes[each.node].id);
            }
        }
        for (const refused_row& each : std::exchange(_unsegmented, {})) {
            sink.on_unsegmented(_nodes[each.node].id, each.link, each.error);
        }
    }

    const transport_settings _settings;
    base::buffer_pool* _pool;
    path_watch _watch;
    std::optional<crypto::record_layer> _records; ///< nothing: packets go in the clear
    std::vector<link_socket> _sockets;            ///< by the places of _settings.links
    std::vector<int> _descriptors;
    std::vector<link_number> _absent;
    std::deque<known_node> _nodes; ///< by the places of the watch; addresses in it stay where they are
    std::unordered_map<std::uint32_t, std::size_t> _places;
    std::unordered_map<std::string, owner> _owners; ///< of addresses
    std::vector<news> _news;
    std::vector<refused_row> _unsegmented;
    std::uint64_t _counter = 0;
    transport_counters _counts;
    datagram_batch _batch{*_pool};

    // While a call runs.
    time_point _now{};
    packet_sink* _sink = nullptr;
    std::size_t _at = 0; ///< the place of the socket that is being read or written
    bool _rerouted = false;
};

std::expected<transport, open_fault> transport::open(const transport_settings& settings, base::buffer_pool& pool,
                                                     std::optional<encryption> sealing) {
    auto inside = std::make_unique<core>(settings, pool, std::move(sealing));
    if (const auto fault = inside->open()) {
        return std::unexpected(*fault);
    }
    return transport(std::move(inside));
}

transport::transport(std::unique_ptr<core> inside) : _core(std::move(inside)) {}
transport::transport(transport&&) noexcept = default;
transport& transport::operator=(transport&&) noexcept = default;
transport::~transport() = default;

std::span<const int> transport::descriptors() const { return _core->descriptors(); }
const std::vector<link_number>& transport::absent() const { return _core->absent(); }
void transport::add(node_id node, const link_address& fresh) { _core->add(node, fresh); }
void transport::send(const base::buffer& packet, std::span<const node_id> targets) { _core->send(packet, targets); }
void transport::flush(time_point now) { _core->flush(now); }
bool transport::waiting(std::size_t place) const { return _core->waiting(place); }
bool transport::receive(time_point now, packet_sink& sink, std::size_t datagrams_max) {
    return _core->receive(now, sink, datagrams_max);
}
void transport::on_time(time_point now, packet_sink& sink) { _core->on_time(now, sink); }
time_point transport::deadline() const { return _core->deadline(); }
std::expected<wire::opened, wire::refusal_reason> transport::judge(base::bytes_view datagram) const {
    return _core->judge(datagram);
}
crypto::record_layer* transport::records() { return _core->records(); }
std::optional<crypto::record_layer::sender_report> transport::record_report(node_id node) const {
    return _core->record_report(node);
}
const transport_counters& transport::counts() const { return _core->counts(); }
offloads transport::works_with() const { return _core->works_with(); }
socket_buffers transport::buffers() const { return _core->buffers(); }
std::vector<path_status> transport::paths(time_point now, node_id node) const { return _core->paths(now, node); }
std::vector<node_paths> transport::paths(time_point now) const { return _core->paths(now); }

} // namespace coterie::net
