// SPDX-License-Identifier: BSD-3-Clause
// The table of all keys that are known: what becomes of each, which values it takes, and what it does. Whoever judges a
// document, tests the judgement or prints the table reads it from here; docs/configuration.md is the same for people.
#pragma once

#include "config/settings.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace coterie::config {

enum class verdict : std::uint8_t {
    honoured, ///< does what it says
    accepted, ///< known from Corosync, without meaning here: one warning
};
[[nodiscard]] std::string_view to_string(verdict what);

/// Which values a key takes.
struct value_rule {
    enum class kind : std::uint8_t { text, number, yes_no, choice, path };
    kind what = kind::text;
    std::int64_t low{}; ///< of a number
    std::int64_t high{};
    std::string_view choices{}; ///< separated by |
};

/// A value that fits its rule.
struct value {
    std::string text;
    std::int64_t number{};
    bool yes{};
    std::size_t choice{}; ///< its place among the choices
};

/// The settings in the making.
struct draft {
    settings* what{};
    const accounts* known{};
    bool blocks = false; ///< client.slow_policy, which may stand behind the time
    std::size_t link{};  ///< which one an interface section is about
};

struct key_rule {
    std::string_view path; ///< with its sections, e.g. "totem.token"; a * at the end stands for every key below
    verdict what{};
    value_rule values{};
    std::string_view sample{}; ///< a value as it may stand in a file
    std::string_view note{};   ///< what the value is (honoured), why it has no meaning (accepted)
    /// Of honoured keys: takes the value over. Says what is wrong with it, or nothing.
    std::string (*take)(draft& into, const value& given) = nullptr;
};

[[nodiscard]] std::span<const key_rule> key_rules();
/// The rule for a key; null if it is unknown.
[[nodiscard]] const key_rule* find_rule(std::string_view path);
/// A known key that `path` may be a misspelling of; empty if none is near.
[[nodiscard]] std::string_view near_key(std::string_view path);

} // namespace coterie::config
