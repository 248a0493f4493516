// SPDX-License-Identifier: BSD-3-Clause
// A change of the cluster's key, in steps of files on one node: FILE.next is made or copied there, becomes FILE while FILE
// becomes FILE.last, and that goes. Each step can be repeated if it was interrupted, and is one that a reader of the files
// always understands. When a step is safe to take is its user's affair; so is telling the daemon.
#pragma once

#include "crypto/keyring.hpp"

#include <expected>
#include <optional>
#include <string>

namespace coterie::config {

/// Where a change of the key stands on a node.
struct key_state {
    enum class stage : std::uint8_t {
        settled,  ///< there is one key
        prepared, ///< FILE.next is accepted as well
        switched, ///< FILE.last is accepted as well
    };
    stage at{};
    std::uint8_t used = 0;
    std::uint8_t other = 0; ///< 0: none
};

using done = std::expected<void, std::string>;

/// Errors of all of these are lines for people.
[[nodiscard]] std::expected<key_state, std::string> key_state_of(const std::string& file,
                                                                 const std::string& cluster_name);
/// A new key in a file that was not there, which its owner alone can read.
[[nodiscard]] done make_key_file(const std::string& file);
/// Makes FILE.next, of another number, readable for whom FILE is.
[[nodiscard]] done prepare_next_key(const std::string& file, const std::string& cluster_name);
[[nodiscard]] done switch_to_next_key(const std::string& file);
/// Removes FILE.last.
[[nodiscard]] done forget_last_key(const std::string& file);
/// One step back: FILE is FILE.next again, or FILE.next goes.
[[nodiscard]] done undo_key_change(const std::string& file, key_state::stage from);

} // namespace coterie::config
