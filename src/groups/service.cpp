// SPDX-License-Identifier: BSD-3-Clause
// The public face of the core.
#include "groups/service.hpp"

#include "groups/core.hpp"

namespace coterie::groups {

std::string_view to_string(refusal why) {
    switch (why) {
    case refusal::try_again: return "try_again";
    case refusal::exist: return "exist";
    case refusal::not_exist: return "not_exist";
    case refusal::too_big: return "too_big";
    case refusal::name_too_long: return "name_too_long";
    case refusal::invalid: return "invalid";
    case refusal::bad_handle: return "bad_handle";
    case refusal::no_space: return "no_space";
    }
    return "unknown";
}

service::service(const settings& settings, base::buffer_pool& pool, client_sink& sink, trace::recorder* recorder)
    : _core(std::make_unique<core>(settings, pool, sink, recorder)) {}

service::~service() = default;

std::expected<handle_id, refusal> service::open(std::uint32_t pid, bool ring_views) {
    return _core->open(pid, ring_views);
}

std::expected<void, refusal> service::join(handle_id handle, std::string_view group, bool initial_ring_view) {
    return _core->join(handle, group, initial_ring_view);
}

std::expected<void, refusal> service::leave(handle_id handle) { return _core->leave(handle); }

std::expected<void, refusal> service::multicast(handle_id handle, guarantee how, base::buffer body, bool urgent) {
    return _core->multicast(handle, how, std::move(body), urgent);
}

void service::slow(handle_id handle, bool is_slow) { _core->slow(handle, is_slow); }

void service::close(handle_id handle) { _core->close(handle); }

bool service::blocked(handle_id handle, std::size_t bytes) const { return _core->blocked(handle, bytes); }

std::vector<process> service::members(std::string_view group) const { return _core->members(group); }

std::vector<std::string> service::group_names() const { return _core->group_names(); }

ring_view service::current_ring_view() const { return _core->current_ring_view(); }

bool service::ready() const { return _core->ready(); }

const counters& service::counts() const { return _core->counts(); }

std::size_t service::open_handles() const { return _core->open_handles(); }
std::string_view service::group_of(handle_id handle) const { return _core->group_of(handle); }
table_totals service::totals() const { return _core->totals(); }
std::vector<paused_group> service::paused_groups() const { return _core->paused_groups(); }

void service::record_tables(std::int64_t now_ns) const { _core->record_tables(now_ns); }

void service::set_trace_time(std::int64_t now_ns) { _core->set_trace_time(now_ns); }

void service::on_delivery(const ring::delivery& packet) { _core->on_delivery(packet); }

void service::on_transitional(const ring::transitional_view& view) { _core->on_transitional(view); }

void service::on_regular(const ring::regular_view& view) { _core->on_regular(view); }

void service::on_numbered(const ring::delivery& packet) { _core->on_numbered(packet); }

bool service::pending() const { return _core->pending(); }

service::filled service::fill(base::byte_writer& payload) { return _core->fill(payload); }

bool service::deliver_next(view_id view, base::sequence_number number) { return _core->deliver_next(view, number); }
void service::fill_first(base::byte_writer& payload) { _core->fill_first(payload); }

} // namespace coterie::groups
