// SPDX-License-Identifier: BSD-3-Clause
// Walks the table of keys: each does what its verdict says, and the document for people lists exactly these.
#include "config/keys.hpp"

#include <algorithm>
#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <sstream>

namespace coterie::config {

namespace {

constexpr std::string_view nonsense = "?!";

/// A key's last part, and a * made an example of what it stands for.
std::string last_part(std::string_view path) {
    const std::string name(path.substr(path.rfind('.') + 1));
    return name == "*" ? "anything" : name;
}

/// A document that says this key, in its sections, in line `line_of_key(path)`.
std::string document_with(std::string_view path, std::string_view value) {
    std::string opened;
    std::string closed;
    std::string_view sections = path.substr(0, path.rfind('.'));
    while (!sections.empty()) {
        const std::size_t end = sections.find('.');
        opened += std::string(sections.substr(0, end)) + " {\n";
        closed += "}\n";
        sections = end == std::string_view::npos ? std::string_view{} : sections.substr(end + 1);
    }
    return opened + last_part(path) + ": " + std::string(value) + "\n" + closed;
}

std::size_t line_of_key(std::string_view path) { return static_cast<std::size_t>(std::ranges::count(path, '.')) + 1; }

loaded judged(std::string_view path, std::string_view value) {
    return judge(parse(document_with(path, value), "f"), "f");
}

/// What is said of this key itself.
std::vector<diagnostic> said_of(const key_rule& rule, std::string_view value) {
    std::string key(rule.path);
    if (key.ends_with('*')) {
        key = key.substr(0, key.size() - 1) + "anything";
    }
    std::vector<diagnostic> result;
    for (diagnostic& each : judged(rule.path, value).diagnostics) {
        if (each.key == key) {
            result.push_back(std::move(each));
        }
    }
    return result;
}

void expect_one(const key_rule& rule, std::string_view value, diagnostic::weight how) {
    const auto said = said_of(rule, value);
    ASSERT_EQ(said.size(), 1U) << rule.path << ": " << value;
    EXPECT_EQ(said[0].how, how) << said[0].message();
    EXPECT_EQ(said[0].line, line_of_key(rule.path)) << said[0].message();
    EXPECT_EQ(said[0].file, "f");
    EXPECT_FALSE(said[0].text.empty()) << rule.path;
}

/// Keys and verdicts as a table in Markdown says them, in rows like | `key` | verdict | ….
std::map<std::string, std::string> documented() {
    std::map<std::string, std::string> result;
    std::ifstream in(std::string(COTERIE_SOURCE_DIR) + "/docs/configuration.md");
    for (std::string line; std::getline(in, line);) {
        if (!line.starts_with("| `")) {
            continue;
        }
        const std::size_t key_end = line.find("` | ");
        const std::size_t verdict_end = line.find(" |", key_end + 4);
        if (key_end != std::string::npos && verdict_end != std::string::npos) {
            const std::string key = line.substr(3, key_end - 3);
            EXPECT_FALSE(result.contains(key)) << key << " is documented twice";
            result[key] = line.substr(key_end + 4, verdict_end - key_end - 4);
        }
    }
    return result;
}

} // namespace

TEST(keys, that_are_honoured_are_taken_without_a_word) {
    // The same sections without the key, so that only the key makes a difference.
    const auto without = [](std::string_view path) {
        std::string text = document_with(path, "");
        text.insert(text.find(last_part(path) + ":"), "#");
        return judge(parse(text, "f"), "f").what;
    };
    for (const key_rule& each : key_rules()) {
        if (each.what != verdict::honoured) {
            continue;
        }
        ASSERT_NE(each.take, nullptr) << each.path;
        for (const diagnostic& said : said_of(each, each.sample)) {
            EXPECT_NE(said.how, diagnostic::weight::error) << said.message();
        }
        // It changes something, or it only takes what is right anyway.
        const bool changes = !(judged(each.path, each.sample).what == without(each.path));
        const auto refused = said_of(each, nonsense);
        const bool judges = refused.size() == 1 && refused[0].how == diagnostic::weight::error;
        EXPECT_TRUE(changes || judges) << each.path;
        if (each.values.what != value_rule::kind::text) {
            expect_one(each, nonsense, diagnostic::weight::error);
        }
        expect_one(each, "", diagnostic::weight::error);
    }
}

TEST(keys, without_meaning_get_one_warning_with_file_line_and_key) {
    for (const key_rule& each : key_rules()) {
        if (each.what == verdict::accepted) {
            ASSERT_NO_FATAL_FAILURE(expect_one(each, each.sample, diagnostic::weight::warning));
            EXPECT_EQ(each.take, nullptr) << each.path;
        }
    }
}

TEST(keys, are_named_once) {
    std::map<std::string_view, int> times;
    for (const key_rule& each : key_rules()) {
        EXPECT_EQ(++times[each.path], 1) << each.path;
        EXPECT_FALSE(each.sample.empty()) << each.path;
        EXPECT_FALSE(each.note.empty()) << each.path;
    }
}

TEST(keys, that_are_misspelled_are_told_what_they_may_mean) {
    EXPECT_EQ(near_key("totem.tokken"), "totem.token");
    EXPECT_EQ(near_key("totem.interface.mcast_port"), "totem.interface.mcastport");
    EXPECT_EQ(near_key("colours.red"), "");
    EXPECT_EQ(near_key(std::string(100'000, 'x')), "");
}

TEST(keys, are_documented_with_their_verdicts_and_no_others_are) {
    std::map<std::string, std::string> told = documented();
    for (const key_rule& each : key_rules()) {
        EXPECT_EQ(told[std::string(each.path)], to_string(each.what)) << each.path;
        told.erase(std::string(each.path));
    }
    for (const auto& [key, what] : told) {
        ADD_FAILURE() << "docs/configuration.md lists " << key << ", which the table does not know";
    }
}

} // namespace coterie::config
