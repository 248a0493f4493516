// SPDX-License-Identifier: BSD-3-Clause
// The syntax of corosync.conf, good and bad.
#include "config/document.hpp"

#include <gtest/gtest.h>

namespace coterie::config {

namespace {

/// The faults of a text, as lines.
std::vector<std::string> faults_of(std::string_view text) {
    std::vector<std::string> result;
    for (const diagnostic& each : parse(text, "f").faults) {
        result.push_back(each.message());
    }
    return result;
}

} // namespace

TEST(document, has_sections_keys_and_comments) {
    const document got = parse("# a comment\n"
                               "totem {\n"
                               "  version: 2\n"
                               "\tcluster_name:  two words \r\n"
                               "  # another\n"
                               "  interface {\n"
                               "    mcastport: 5405\n"
                               "  }\n"
                               "}\n"
                               "\n"
                               "key: in no section",
                               "f");
    EXPECT_TRUE(got.faults.empty());
    ASSERT_EQ(got.root.sections.size(), 1U);
    const section& totem = got.root.sections[0];
    EXPECT_EQ(totem.name, "totem");
    EXPECT_EQ(totem.line, 2U);
    ASSERT_NE(totem.find("cluster_name"), nullptr);
    EXPECT_EQ(totem.find("cluster_name")->value, "two words");
    EXPECT_EQ(totem.find("cluster_name")->line, 4U);
    EXPECT_EQ(totem.find("missing"), nullptr);
    ASSERT_EQ(totem.sections.size(), 1U);
    EXPECT_EQ(totem.sections[0].find("mcastport")->value, "5405");
    EXPECT_EQ(got.root.find("key")->value, "in no section");
}

TEST(document, takes_the_last_of_equal_keys_and_values_with_colons) {
    const document got = parse("a: 1\na: 2\naddress: fd00::1\nempty:\n", "f");
    EXPECT_EQ(got.root.find("a")->value, "2");
    EXPECT_EQ(got.root.find("address")->value, "fd00::1");
    EXPECT_EQ(got.root.find("empty")->value, "");
}

TEST(document, names_the_line_of_every_fault) {
    EXPECT_EQ(faults_of("x {\n}\n}\n"), std::vector<std::string>{"f:3: this } closes no section"});
    EXPECT_EQ(faults_of("x {\n  y {\n  }\n").size(), 1U);
    EXPECT_TRUE(faults_of("x {\n  y {\n  }\n").front().starts_with("f:1: this section is not closed"));
    EXPECT_TRUE(faults_of("\nnonsense\n").front().starts_with("f:2: this line is neither"));
    EXPECT_TRUE(faults_of(": value\n").front().starts_with("f:1: this line is neither"));
    EXPECT_TRUE(faults_of("{\n}\n").front().starts_with("f:1: a section needs a name"));
    EXPECT_TRUE(faults_of("a: " + std::string(600, 'x')).front().starts_with("f:1: this line is longer"));
    EXPECT_TRUE(faults_of(std::string_view("a: b\0c\n", 7)).front().starts_with("f:1: this line has a NUL"));
}

TEST(document, survives_any_nesting) {
    std::string deep;
    for (int i = 0; i < 10'000; ++i) {
        deep += "s {\n";
    }
    const document got = parse(deep, "f");
    EXPECT_FALSE(got.faults.empty());
    const section* at = &got.root;
    std::size_t depth = 0;
    while (!at->sections.empty()) {
        at = &at->sections.front();
        ++depth;
    }
    EXPECT_LE(depth, depth_max);
}

} // namespace coterie::config
