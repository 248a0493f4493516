// SPDX-License-Identifier: BSD-3-Clause
// What is wrong with the links of a nodelist as a whole: each node has one address on each link, of the kind that the
// others have there, and no address is used twice.
#pragma once

#include "config/settings.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace coterie::config {

/// Whether the key, with its sections, is the address of a link beyond the last that there can be.
[[nodiscard]] bool is_link_too_many(std::string_view key);

/// Adds what is to be said of the nodes' links. `nodes` are sorted by id.
void judge_links(const std::vector<node>& nodes, const std::string& file, std::vector<diagnostic>& said);

} // namespace coterie::config
