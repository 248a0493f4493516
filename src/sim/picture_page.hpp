// SPDX-License-Identifier: BSD-3-Clause
// The parts of the page that are the same for every run.
#pragma once

#include <string_view>

namespace coterie::sim {

/// CSS.
[[nodiscard]] std::string_view page_style();
/// What stands in the body before the data.
[[nodiscard]] std::string_view page_body();
/// JavaScript that draws `run`, the page's data, as picture_data() writes it.
[[nodiscard]] std::string_view page_script();

} // namespace coterie::sim
