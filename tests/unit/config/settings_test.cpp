// SPDX-License-Identifier: BSD-3-Clause
// What a configuration means, what is said about a wrong one, and how a node finds itself in it.
#include "config/settings.hpp"

#include <gtest/gtest.h>

namespace coterie::config {

namespace {

loaded judged(std::string_view text) { return judge(parse(text, "f"), "f"); }

/// What is said about a text, as one text.
std::string said(std::string_view text) {
    std::string result;
    for (const diagnostic& each : judged(text).diagnostics) {
        result += (each.how == diagnostic::weight::error ? "error " : "warning ") + each.message() + "\n";
    }
    return result;
}

const std::string three_nodes = "nodelist {\n"
                                "  node {\n    nodeid: 3\n    name: c\n    ring0_addr: 192.0.2.3\n  }\n"
                                "  node {\n    nodeid: 1\n    name: a.example.org\n    ring0_addr: 192.0.2.1\n  }\n"
                                "  node {\n    nodeid: 2\n    ring0_addr: 192.0.2.2\n  }\n"
                                "}\n";

} // namespace

TEST(settings, have_defaults) {
    const loaded got = judged("");
    EXPECT_TRUE(got.ok());
    EXPECT_TRUE(got.diagnostics.empty());
    EXPECT_EQ(got.what.port, 5405);
    EXPECT_EQ(got.what.lone_node, node_id{1});
    EXPECT_TRUE(got.what.nodes.empty());
    EXPECT_FALSE(got.what.token);
    EXPECT_FALSE(got.what.socket_path);
    EXPECT_TRUE(got.what.log_to_stderr);
}

TEST(settings, take_what_is_said) {
    const loaded got = judged("totem {\n"
                              "  version: 2\n"
                              "  cluster_name: c\n"
                              "  token: 1500\n"
                              "  transport: knet\n"
                              "  crypto_cipher: none\n"
                              "  interface {\n    linknumber: 0\n    mcastport: 5500\n  }\n"
                              "}\n"
                              "system {\n  socket_path: /s\n  state_dir: /d\n  trace_file: /t\n}\n"
                              "logging {\n  to_stderr: no\n  debug: on\n  logfile: /l\n  to_syslog: yes\n}\n" +
                              three_nodes);
    EXPECT_TRUE(got.ok());
    EXPECT_TRUE(got.diagnostics.empty());
    EXPECT_EQ(got.what.cluster_name, "c");
    EXPECT_EQ(got.what.token, std::chrono::milliseconds(1500));
    EXPECT_EQ(got.what.port, 5500);
    EXPECT_EQ(got.what.socket_path, "/s");
    EXPECT_EQ(got.what.state_dir, "/d");
    EXPECT_EQ(got.what.trace_file, "/t");
    EXPECT_FALSE(got.what.log_to_stderr);
    EXPECT_TRUE(got.what.log_debug);
    EXPECT_EQ(got.what.log_file, "/l");
    ASSERT_EQ(got.what.nodes.size(), 3U);
    EXPECT_EQ(got.what.nodes[0].id, node_id{1}) << "sorted";
    EXPECT_EQ(got.what.nodes[2].name, "c");
    EXPECT_EQ(got.what.nodes[1].address, "192.0.2.2");
}

TEST(settings, say_what_would_be_right) {
    EXPECT_EQ(said("totem {\n  version: 1\n}\n"),
              "error f:2: totem.version: '1' is not a version that is understood; write `version: 2`\n");
    EXPECT_EQ(said("totem {\n  token: 3s\n}\n"),
              "error f:2: totem.token: '3s' is not a number from 50 to 300000; write "
              "milliseconds, for example `token: 1000`\n");
    EXPECT_EQ(said("logging {\n  debug: maybe\n}\n"), "error f:2: logging.debug: 'maybe' is neither yes nor no\n");
    EXPECT_EQ(said("system {\n  state_dir: here\n}\n"),
              "error f:2: system.state_dir: 'here' is not a full path; write one that begins with /\n");
}

TEST(settings, refuse_to_run_without_the_encryption_that_is_asked_for) {
    EXPECT_TRUE(said("totem {\n  crypto_cipher: aes256\n}\n").starts_with("error f:2: totem.crypto_cipher: "));
    EXPECT_TRUE(said("totem {\n  secauth: on\n}\n").starts_with("error f:2: totem.secauth: "));
    EXPECT_EQ(said("totem {\n  secauth: off\n  crypto_hash: none\n}\n"), "");
}

TEST(settings, warn_of_what_is_not_honoured) {
    EXPECT_EQ(said("totem {\n  tokken: 3\n}\n"), "warning f:2: totem.tokken: is not honoured by this version\n");
    EXPECT_EQ(said("quorum {\n  provider: corosync_votequorum\n}\n"),
              "warning f:2: quorum.provider: is not honoured by this version\n");
    EXPECT_EQ(said("colours {\n  red: 1\n}\n"), "warning f:2: colours.red: is not known; is it spelled right?\n");
    EXPECT_TRUE(judged("colours {\n  red: 1\n}\n").ok());
}

TEST(settings, judge_the_list_of_nodes) {
    EXPECT_EQ(said("nodelist {\n  node {\n    ring0_addr: 192.0.2.1\n  }\n}\n"),
              "error f:2: nodelist.node: this node has no nodeid; write for example `nodeid: 1`\n");
    EXPECT_EQ(said("nodelist {\n  node {\n    nodeid: 1\n  }\n}\n"),
              "error f:2: nodelist.node: this node has no ring0_addr; write for example `ring0_addr: 192.0.2.1`\n");
    EXPECT_TRUE(said("nodelist {\n  node {\n    nodeid: 0\n    ring0_addr: a\n  }\n}\n")
                    .starts_with("error f:3: nodelist.node.nodeid: '0' is not a number from 1 to 65535"));
    const std::string twice = said("nodelist {\n  node {\n    nodeid: 1\n    ring0_addr: a\n    name: n\n  }\n"
                                   "  node {\n    nodeid: 1\n    ring0_addr: a\n    name: n\n  }\n}\n");
    EXPECT_NE(twice.find("two nodes have the nodeid 1; give each its own"), std::string::npos);
    EXPECT_NE(twice.find("two nodes have the address a;"), std::string::npos);
    EXPECT_NE(twice.find("two nodes have the name n;"), std::string::npos);
}

TEST(settings, tell_faults_in_the_order_of_lines) {
    const loaded got = judged("totem {\n  version: 1\nnonsense\n  token: x\n}\n");
    ASSERT_EQ(got.diagnostics.size(), 3U);
    EXPECT_EQ(got.diagnostics[0].line, 2U);
    EXPECT_EQ(got.diagnostics[1].line, 3U);
    EXPECT_EQ(got.diagnostics[2].line, 4U);
}

TEST(settings, of_a_file_that_cannot_be_read_are_an_error) {
    const loaded got = load("/nonexistent/coterie.conf");
    EXPECT_FALSE(got.ok());
    EXPECT_EQ(got.diagnostics.front().message(), "/nonexistent/coterie.conf: this file cannot be read");
    EXPECT_FALSE(load("/").ok()) << "a folder is no file";
    EXPECT_TRUE(load("/dev/null").ok()) << "an empty one is in order";
}

TEST(the_local_node, is_found_as_it_is_asked_for) {
    const settings from = judged(three_nodes).what;
    const auto place = [&](const local_facts& facts) { return find_local_node(from, facts); };
    EXPECT_EQ(place({.wanted = node_id{3}, .host_name = "a.example.org", .addresses = {}}), 2U);
    EXPECT_FALSE(place({.wanted = node_id{4}, .host_name = "a.example.org", .addresses = {}}));
    EXPECT_EQ(place({.wanted = {}, .host_name = "c", .addresses = {"192.0.2.1"}}), 2U) << "the name comes first";
    EXPECT_EQ(place({.wanted = {}, .host_name = "a", .addresses = {}}), 0U) << "a name without its domain";
    EXPECT_EQ(place({.wanted = {}, .host_name = "other", .addresses = {"127.0.0.1", "192.0.2.2"}}), 1U);
    const auto nowhere = place({.wanted = {}, .host_name = "other", .addresses = {"127.0.0.1"}});
    ASSERT_FALSE(nowhere);
    EXPECT_NE(nowhere.error().find("--node ID"), std::string::npos);
}

} // namespace coterie::config
