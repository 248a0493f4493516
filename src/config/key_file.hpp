// SPDX-License-Identifier: BSD-3-Clause
// Files with a cluster's key: which ones there are, whether they may be trusted, and what is in them. While a key is changed
// (docs/security.md) there is another one beside it: FILE.next before the change, FILE.last behind it.
#pragma once

#include "config/settings.hpp"
#include "crypto/keyring.hpp"

#include <expected>
#include <string>

namespace coterie::config {

[[nodiscard]] inline std::string next_key_file(const std::string& file) { return file + ".next"; }
[[nodiscard]] inline std::string last_key_file(const std::string& file) { return file + ".last"; }

/// Where the key of these settings is, if they do not have it themselves: `keyfile`, else the first of the usual places that
/// exists, else the last of these.
[[nodiscard]] std::string key_file_of(const encryption& wanted);

/// What is in a key file that nobody else can read. The error is one line for people.
[[nodiscard]] std::expected<crypto::secret, std::string> read_key_file(const std::string& file);

/// All keys that these settings, which want encryption, name. The error is one line for people.
[[nodiscard]] std::expected<crypto::keyring, std::string> read_keys(const settings& from);

} // namespace coterie::config
