// SPDX-License-Identifier: BSD-3-Clause
// Where clients meet groups: requests that the server took become requests to the service, what the service tells a handle
// becomes an event for its client. Keeps who is who, and notes when the ring has to be told that something is pending.
#pragma once

#include "daemon/status_report.hpp"
#include "groups/service.hpp"
#include "ipc/server.hpp"

#include <functional>
#include <set>
#include <unordered_map>

namespace coterie::daemon {

class client_door final : public ipc::request_handler, public groups::client_sink {
public:
    /// `told` is called with a line for the log when a client is cut off.
    explicit client_door(std::function<void(const std::string&)> told) : _told(std::move(told)) {}
    /// Before any use; both must outlive it.
    void connect(groups::service& service, ipc::server& server) {
        _service = &service;
        _server = &server;
    }

    /// Who makes the answers to clients that ask how the daemon does.
    struct reporter {
        std::function<std::string()> status;
        std::function<ipc::pauses()> pauses;
    };
    void report_by(reporter report) { _report = std::move(report); }

    [[nodiscard]] slow_process described(const ipc::server::slow_client& which) const;
    /// Tells of clients that have been slow for long, and when they no longer are. `now` are those that are.
    void tell_slow(const std::vector<ipc::server::slow_client>& now);

    /// Whether a request was accepted since the last call, so that the ring may have something to number.
    [[nodiscard]] bool take_news() { return std::exchange(_news, false); }

    // ipc::request_handler
    [[nodiscard]] ipc::status on_open(ipc::client_id client, const ipc::hello& wish) override;
    [[nodiscard]] ipc::status on_join(ipc::client_id client, std::string_view group, bool initial_ring_view) override;
    [[nodiscard]] ipc::status on_leave(ipc::client_id client) override;
    [[nodiscard]] ipc::status on_multicast(ipc::client_id client, bool safe, const base::buffer& body,
                                           bool urgent) override;
    [[nodiscard]] bool has_room(ipc::client_id client) override;
    void on_slow(ipc::client_id client, bool is_slow) override;
    [[nodiscard]] std::vector<ipc::address> members_of(std::string_view group) override;
    [[nodiscard]] std::vector<ipc::group_listing> all_groups() override;
    [[nodiscard]] ipc::pauses pauses_so_far() override;
    [[nodiscard]] std::string status_report() override;
    void on_closed(ipc::client_id client, std::string_view why, bool by_force) override;

    // groups::client_sink
    void on_change(groups::handle_id handle, const groups::change& what) override;
    void on_message(groups::handle_id handle, const groups::message& what) override;
    void on_ring_view(groups::handle_id handle, const groups::ring_view& view) override;
    void on_writable(groups::handle_id handle) override;

private:
    struct caller {
        groups::handle_id handle;
        std::uint32_t pid{};
    };
    [[nodiscard]] std::string named(ipc::client_id client) const;
    [[nodiscard]] groups::handle_id handle_of(ipc::client_id client) const;
    /// A handle that is closed has no client; the server takes nothing for that.
    [[nodiscard]] ipc::client_id client_of(groups::handle_id handle) const;
    [[nodiscard]] ipc::status noted(const std::expected<void, groups::refusal>& outcome);

    std::function<void(const std::string&)> _told;
    reporter _report;
    groups::service* _service = nullptr;
    ipc::server* _server = nullptr;
    bool _news = false;
    std::unordered_map<std::uint64_t, caller> _clients;
    std::unordered_map<std::uint64_t, ipc::client_id> _by_handle;
    std::set<ipc::client_id> _slow;  ///< that were told of
    std::vector<std::string> _names; ///< what the last answer to all_groups names
    std::vector<ipc::address> _members;
    std::vector<ipc::address> _left;
    std::vector<ipc::address> _joined;
};

} // namespace coterie::daemon
