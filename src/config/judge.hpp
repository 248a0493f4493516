// SPDX-License-Identifier: BSD-3-Clause
// Judging documents that add to a configuration. The judgement of whole ones is in settings.hpp.
#pragma once

#include "config/settings.hpp"

namespace coterie::config {

/// Judges a file of `uidgid.d` and adds its entries, and what is to be said of it, to `result`.
void judge_access(const document& source, const std::string& file, const accounts& known, loaded& result);

} // namespace coterie::config
