// SPDX-License-Identifier: BSD-3-Clause
// What has become of a link to a node, in words for the log and for `coterie status`.
#pragma once

#include "net/path_watch.hpp"

#include <span>
#include <string>
#include <string_view>

namespace coterie::daemon {

/// Why a path is down: "probes on it are not answered", for example; empty of one that is not.
[[nodiscard]] std::string reason_text(const net::path_report& path);
/// One line about a path that has come up or gone down. `others`: all paths to the node, as they are now.
[[nodiscard]] std::string path_line(std::string_view node, const net::path_report& path,
                                    std::span<const net::path_report> others);

/// One line about datagrams that are not sent in rows. `error` is errno.
[[nodiscard]] std::string unsegmented_line(std::string_view node, net::link_number link, int error);

/// One line about a path on which large datagrams do not pass any more.
[[nodiscard]] std::string shrunk_line(std::string_view node, net::link_number link, std::size_t before,
                                      std::size_t bytes);

/// Whether it calls for action: a link to a node that can be reached. If no link to it is up the node is gone, which is
/// told elsewhere.
[[nodiscard]] bool is_alarming(const net::path_report& path, std::span<const net::path_report> others);

} // namespace coterie::daemon
