// SPDX-License-Identifier: BSD-3-Clause
// Scripts by which shells complete commands, options and groups, made from the very declarations that the command line is
// read by, so that none can be forgotten.
#pragma once

#include <string>

namespace CLI {
class App;
}

namespace coterie::cli {

/// For bash 4 and later; complete -F needs nothing else.
[[nodiscard]] std::string bash_completion(const CLI::App& app);
/// For zsh's compinit: the file `_coterie`.
[[nodiscard]] std::string zsh_completion(const CLI::App& app);

} // namespace coterie::cli
