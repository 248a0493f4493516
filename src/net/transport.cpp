// SPDX-License-Identifier: BSD-3-Clause
// Between the protocol above, which names nodes, and the sockets of the links below, which know addresses: seals, chooses
// links, opens what comes, and keeps duplicates and probes from the protocol.
#include "net/transport.hpp"

#include "base/assert.hpp"
#include "net/duplicate_filter.hpp"
#include "net/fragments.hpp"
#include "net/link_socket.hpp"
#include "net/path_size.hpp"

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
bool is_about_the_way(int error) { return error != ENOBUFS && error != ENOMEM; }

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

    std::optional<sealing_report> sealing() const {
        if (!_records) {
            return std::nullopt;
        }
        sealing_report result{.seals_with = _records->seals_with(),
                              .slot_used = _records->slot_used(),
                              .slot_accepted = _records->slot_accepted(),
                              .nodes = {}};
        for (std::size_t place = 0; place < _nodes.size(); ++place) {
            result.nodes.push_back({.node = _nodes[place].id, .known = _records->report(place)});
        }
        return result;
    }

    void change_keys(crypto::keyring keys) {
        COTERIE_ASSERT(_records, "keys are changed where there are some");
        _records->change_keys(std::move(keys));
    }
    offloads works_with() const { return _sockets.front().works_with(); }
    socket_buffers buffers() const { return _sockets.front().buffers(); }
    time_point deadline() const {
        return _news.empty() && _unsegmented.empty() && _resized.empty() ? std::min(_watch.deadline(), _sizes_due)
                                                                         : time_point{};
    }

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
        if (now >= _sizes_due) {
            ask_sizes();
        }
        tell(sink);
    }

    std::size_t datagram_bytes(std::span<const base::member> nodes) const {
        std::size_t result = wire::datagram_bytes_max;
        for (const base::member& each : nodes) {
            const auto place = _places.find(each.node.value);
            if (place == _places.end()) {
                continue;
            }
            for (const path_report& path : _watch.paths(_now, place->second)) {
                const path_size& size = _nodes[place->second].paths[path.link.value].size;
                result = std::min(result, path.state == path_state::up ? size.bytes() : wire::datagram_bytes_max);
            }
        }
        return result == wire::datagram_bytes_max ? datagram_bytes_at_first : result;
    }

    std::vector<path_status> paths(time_point now, node_id node) const {
        std::vector<path_status> result;
        const auto place = _places.find(node.value);
        if (place == _places.end()) {
            return result;
        }
        for (const path_report& each : _watch.paths(now, place->second)) {
            const known_path& path = _nodes[place->second].paths[each.link.value];
            result.push_back({.seen = each,
                              .where = *path.where,
                              .sent = path.sent,
                              .received = path.received,
                              .datagram_bytes = path.size.bytes()});
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
        path_size size;
    };
    struct known_node {
        node_id id;
        std::array<known_path, base::links_max> paths;
        duplicate_filter seen;
        reassembly pieces;
    };
    struct owner {
        std::size_t node;
        link_number link;
    };
    struct news {
        std::size_t node;
        std::optional<path_report> path; ///< nothing: a refused port
    };
    struct resized {
        std::size_t node;
        link_number link;
        std::size_t before;
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
            queue_on(place, sealed, node, only_one);
        }
    }

    /// In one piece, or in several if it is larger than what passes there.
    void queue_on(std::size_t place, const base::buffer& sealed, std::size_t node, bool only_here) {
        const link_number link = _settings.links[place].number;
        known_path& path = _nodes[node].paths[link.value];
        if (path.size.on_sent(_now, sealed.size())) {
            _sizes_due = std::min(_sizes_due, path.size.deadline());
        }
        if (sealed.size() <= path.size.bytes()) {
            _sockets[place].queue({.packet = sealed, .where = &*path.where, .node = node, .only_here = only_here});
            return;
        }
        ++_counts.cut;
        for (const base::buffer& piece : cut(*_pool, self(), sealed.bytes(), path.size.bytes(), ++_cut)) {
            _sockets[place].queue(
                {.packet = sealed_once(piece), .where = &*path.where, .node = node, .only_here = only_here});
        }
    }

    [[nodiscard]] wire::origin self() const {
        return {.cluster = _settings.cluster, .node = _settings.self.node, .nonce = _settings.self.nonce};
    }

    /// Questions and answers about one link go out on it, whatever is thought of it.
    template <class Packet>
    void tell_on(link_number link, std::size_t node, const Packet& packet) {
        for (std::size_t place = 0; place < _sockets.size(); ++place) {
            if (_settings.links[place].number == link) {
                _sockets[place].queue({.packet = sealed_once(packet),
                                       .where = &*_nodes[node].paths[link.value].where,
                                       .node = node,
                                       .only_here = false});
            }
        }
    }

    void ask_sizes() {
        _sizes_due = base::never;
        for (std::size_t node = 0; node < _nodes.size(); ++node) {
            for (const path_report& each : _watch.paths(_now, node)) {
                path_size& size = _nodes[node].paths[each.link.value].size;
                const std::size_t before = size.bytes();
                const path_size::questions asked = size.on_time(_now, each.round_trip.value_or(duration::zero()));
                if (asked.shrunk) {
                    _resized.push_back({.node = node, .link = each.link, .before = before});
                }
                for (std::size_t i = 0; i < datagram_sizes.size(); ++i) {
                    if ((asked.sizes >> i & 1U) != 0) {
                        tell_on(each.link, node,
                                wire::encode_question(*_pool, self(),
                                                      {.link = each.link,
                                                       .round = asked.round,
                                                       .answered = {},
                                                       .bytes = datagram_sizes[i],
                                                       .filler = {}}));
                    }
                }
                _sizes_due = std::min(_sizes_due, size.deadline());
            }
        }
    }

    void take_size_probe(std::size_t node, const wire::opened& packet, std::size_t datagram_bytes) {
        const auto probe = wire::decode_size_probe(packet.body);
        if (!probe || probe->link != link_here()) {
            ++_counts.bad_probes;
            return;
        }
        if (probe->answered == base::no_incarnation) {
            tell_on(probe->link, node,
                    wire::encode(*_pool, self(),
                                 wire::size_probe{.link = probe->link,
                                                  .round = probe->round,
                                                  .answered = packet.from.nonce,
                                                  .bytes = static_cast<std::uint32_t>(datagram_bytes),
                                                  .filler = {}}));
        } else if (probe->answered == _settings.self.nonce) {
            path_size& size = _nodes[node].paths[probe->link.value].size;
            const std::size_t before = size.bytes();
            if (size.on_answer(probe->round, probe->bytes)) {
                _resized.push_back({.node = node, .link = probe->link, .before = before});
            }
        }
    }

    void take_fragment(std::size_t node, const wire::opened& packet, const sockaddr_storage& source) {
        const auto piece = wire::decode_fragment(packet.body);
        if (!piece || _inside_fragment) {
            ++_counts.bad_fragments;
            return;
        }
        if (const base::buffer whole = _nodes[node].pieces.add(*_pool, packet.from.nonce, *piece)) {
            _inside_fragment = true;
            on_datagram(whole.bytes(), source, whole, true);
            _inside_fragment = false;
        }
    }

    /// What transports tell each other. True if it was that.
    bool take_own(std::size_t node, const wire::opened& packet, std::size_t datagram_bytes,
                  const sockaddr_storage& source) {
        switch (packet.kind) {
        case wire::packet_kind::link_probe: take_probe(node, packet); return true;
        case wire::packet_kind::size_probe: take_size_probe(node, packet, datagram_bytes); return true;
        case wire::packet_kind::fragment: take_fragment(node, packet, source); return true;
        default: return false;
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
        if (take_own(*place, *judged, bytes.size(), source)) {
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
        } else if (reason == wire::refusal_reason::key_slot) {
            _counts.last_unknown_key = wire::sender_in(bytes).value;
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
        if (!take_own(*place, *taken.packet, bytes.size(), source)) {
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
        if (error == EMSGSIZE) {
            give_in_pieces(what);
            return;
        }
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

    /// What this machine does not send in one piece there. Questions about sizes are answered by that.
    void give_in_pieces(const link_socket::outgoing& what) {
        path_size& size = _nodes[what.node].paths[link_here().value].size;
        const std::size_t before = size.bytes();
        if (size.on_refused(_now, what.packet.size())) {
            _resized.push_back({.node = what.node, .link = link_here(), .before = before});
        }
        const wire::packet_kind kind = wire::kind_of(what.packet);
        if (kind != wire::packet_kind::size_probe && kind != wire::packet_kind::fragment &&
            what.packet.size() > size.bytes()) {
            _rerouted = true;
            queue_on(_at, what.packet, what.node, what.only_here);
        } else if (kind != wire::packet_kind::size_probe) {
            ++_counts.send_errors;
            _counts.last_send_error = EMSGSIZE;
        }
    }

    void on_too_large(const address& where) override {
        const auto found = _owners.find(where.text());
        if (found != _owners.end()) {
            _nodes[found->second.node].paths[found->second.link.value].size.on_hint(_now);
            _sizes_due = _now;
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
        tell_on(probe.link, to, wire::encode(*_pool, self(), probe));
    }
    void on_path(path_watch::node_place node, const path_report& now) override {
        if (now.state == path_state::up) {
            _nodes[node].paths[now.link.value].size.on_up(_now);
            _sizes_due = _now;
        }
        _news.push_back({node, now});
    }
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
        for (const resized& each : std::exchange(_resized, {})) {
            sink.on_path_size(_nodes[each.node].id, each.link, each.before,
                              _nodes[each.node].paths[each.link.value].size.bytes());
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
    std::vector<resized> _resized;
    time_point _sizes_due = base::never;
    std::uint64_t _counter = 0;
    std::uint64_t _cut = 0; ///< packets
    transport_counters _counts;
    datagram_batch _batch{*_pool};

    // While a call runs.
    time_point _now{};
    packet_sink* _sink = nullptr;
    std::size_t _at = 0; ///< the place of the socket that is being read or written
    bool _rerouted = false;
    bool _inside_fragment = false;
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
std::optional<sealing_report> transport::sealing() const { return _core->sealing(); }
void transport::change_keys(crypto::keyring keys) { _core->change_keys(std::move(keys)); }
const transport_counters& transport::counts() const { return _core->counts(); }
offloads transport::works_with() const { return _core->works_with(); }
socket_buffers transport::buffers() const { return _core->buffers(); }
std::size_t transport::datagram_bytes(std::span<const base::member> nodes) const {
    return _core->datagram_bytes(nodes);
}
std::vector<path_status> transport::paths(time_point now, node_id node) const { return _core->paths(now, node); }
std::vector<node_paths> transport::paths(time_point now) const { return _core->paths(now); }

} // namespace coterie::net
