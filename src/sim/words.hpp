// SPDX-License-Identifier: BSD-3-Clause
// Short words for the things that traces talk about, the same in what the checker finds and in printed excerpts.
#pragma once

#include "trace/event.hpp"

#include <span>
#include <string>
#include <string_view>

namespace coterie::sim {

/// "5@1": epoch and coordinator; "no view" for the invalid id.
[[nodiscard]] std::string in_words(const base::view_id& view);
/// "node 3", "3:4711"
[[nodiscard]] std::string in_words(base::node_id node);
[[nodiscard]] std::string in_words(const trace::process& who);
/// "{1, 2, 3}"
[[nodiscard]] std::string in_words(std::span<const base::node_id> nodes);
[[nodiscard]] std::string in_words(std::span<const trace::process> processes);
/// A group's name in quotes, with anything unprintable as dots.
[[nodiscard]] std::string quoted(std::string_view group);
/// What happened, without when and where.
[[nodiscard]] std::string in_words(const trace::event& what);

} // namespace coterie::sim
