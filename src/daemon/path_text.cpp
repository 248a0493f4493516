// SPDX-License-Identifier: BSD-3-Clause
// Words for states and numbers.
#include "daemon/path_text.hpp"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>

namespace coterie::daemon {

namespace {

double milliseconds(base::duration span) { return static_cast<double>(span.count()) / 1e6; }

/// Which links carry what is sent to the node now.
std::string in_use_text(std::span<const net::path_report> paths) {
    std::string used;
    for (const net::path_report& each : paths) {
        if (each.in_use && each.state == net::path_state::up) {
            used += (used.empty() ? "" : ", ") + std::to_string(each.link.value);
        }
    }
    return used.empty() ? "no link to it is up, all are tried" : "used now: link " + used;
}

} // namespace

std::string reason_text(const net::path_report& path) {
    if (path.state != net::path_state::down) {
        return {};
    }
    switch (path.fault) {
    case net::path_fault::none: break;
    case net::path_fault::unanswered: return "probes on it get no answer, on other links they do";
    case net::path_fault::silent: return "nothing is answered on any link";
    case net::path_fault::refused: return "its host says that nobody listens there";
    case net::path_fault::unsendable:
        return fmt::format("this machine cannot send there: {}", std::strerror(path.error));
    }
    return "unknown";
}

std::string path_line(std::string_view node, const net::path_report& path, std::span<const net::path_report> others) {
    const std::string head = fmt::format("link {} to node {} is ", path.link.value, node);
    if (path.state == net::path_state::up) {
        return head + (path.times_down > 0 ? "up again" : "up") +
               (path.round_trip ? fmt::format(", round trip {:.2f} ms", milliseconds(*path.round_trip)) : "") + "; " +
               in_use_text(others);
    }
    return head + "down: " + reason_text(path) + "; " + in_use_text(others) +
           (path.held_off > base::duration::zero() && path.times_down > 1
                ? fmt::format("; it was down {} times: not taken back for {:.1f} s", path.times_down,
                              milliseconds(path.held_off) / 1e3)
                : "");
}

std::string unsegmented_line(std::string_view node, net::link_number link, int error) {
    return fmt::format(
        "link {} to node {} takes no rows of datagrams ({}): they go one by one for a while, more slowly; is "
        "the MTU of that link here below 1500?",
        link.value, node, std::strerror(error));
}

std::string shrunk_line(std::string_view node, net::link_number link, std::size_t before, std::size_t bytes) {
    return fmt::format(
        "datagrams of {} bytes to node {} do not pass on link {} any more, those of {} do: packets are made "
        "smaller; is an MTU on the way too small?",
        before, node, link.value, bytes);
}

bool is_alarming(const net::path_report& path, std::span<const net::path_report> others) {
    return path.state == net::path_state::down &&
           std::ranges::find(others, net::path_state::up, &net::path_report::state) != others.end();
}

} // namespace coterie::daemon
