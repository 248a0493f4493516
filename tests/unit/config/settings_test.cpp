// SPDX-License-Identifier: BSD-3-Clause
// What a configuration means, what is said about a wrong one, and how a node finds itself in it.
#include "config/settings.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <unistd.h>

namespace coterie::config {

namespace {

/// Two users and a group that every machine of these tests has.
class known_accounts final : public accounts {
public:
    std::optional<uid_t> user(const std::string& name) const override {
        return name == "hacluster" ? std::optional<uid_t>(189) : std::nullopt;
    }
    std::optional<gid_t> group(const std::string& name) const override {
        return name == "haclient" ? std::optional<gid_t>(188) : std::nullopt;
    }
};

loaded judged(std::string_view text) { return judge(parse(text, "f"), "f", known_accounts()); }

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
    EXPECT_EQ(got.what.links[0].port, 5405);
    EXPECT_EQ(got.what.links[1].port, 5406);
    EXPECT_EQ(got.what.mode, link_mode::passive);
    EXPECT_EQ(got.what.lone_node, node_id{1});
    EXPECT_TRUE(got.what.nodes.empty());
    EXPECT_FALSE(got.what.token);
    EXPECT_FALSE(got.what.socket_path);
    EXPECT_TRUE(got.what.log.to_stderr);
    EXPECT_TRUE(got.what.log.to_syslog);
    EXPECT_FALSE(got.what.log.to_file);
    EXPECT_TRUE(got.what.schedule.realtime);
    EXPECT_TRUE(got.what.access.users.empty());
}

TEST(settings, take_what_is_said) {
    const loaded got =
        judged("totem {\n"
               "  version: 2\n"
               "  cluster_name: c\n"
               "  token: 1500\n"
               "  transport: knet\n"
               "  crypto_cipher: none\n"
               "  interface {\n    linknumber: 0\n    mcastport: 5500\n  }\n"
               "}\n"
               "system {\n  socket_path: /s\n  state_dir: /d\n  trace_file: /t\n  pid_file: /p\n  sched_rr: no\n  "
               "priority: max\n  message_bytes_max: 2000000\n  udp_offload: no\n}\n"
               "member {\n  slow_policy: evict\n  slow_timeout: 5000\n  hold_off_max: 9000\n  refused_timeout: 70\n}\n"
               "logging {\n  to_stderr: no\n  debug: on\n  to_logfile: yes\n  logfile: /l\n  to_syslog: no\n  "
               "syslog_priority: crit\n  timestamp: on\n}\n" +
               three_nodes);
    EXPECT_TRUE(got.ok());
    EXPECT_TRUE(got.diagnostics.empty());
    EXPECT_EQ(got.what.cluster_name, "c");
    EXPECT_EQ(got.what.token, std::chrono::milliseconds(1500));
    EXPECT_EQ(got.what.links[0].port, 5500);
    EXPECT_EQ(got.what.socket_path, "/s");
    EXPECT_EQ(got.what.state_dir, "/d");
    EXPECT_EQ(got.what.trace_file, "/t");
    EXPECT_FALSE(got.what.udp_offload);
    EXPECT_EQ(got.what.message_bytes_max, 2'000'000U);
    EXPECT_EQ(got.what.pid_file, "/p");
    EXPECT_TRUE(got.what.member.evict_slow);
    EXPECT_EQ(got.what.member.slow_timeout, std::chrono::milliseconds(5'000));
    EXPECT_EQ(got.what.member.hold_off_max, std::chrono::milliseconds(9'000));
    EXPECT_EQ(got.what.member.refused_timeout, std::chrono::milliseconds(70));
    EXPECT_FALSE(got.what.schedule.realtime);
    EXPECT_EQ(got.what.schedule.nice, -20);
    EXPECT_FALSE(got.what.log.to_stderr);
    EXPECT_FALSE(got.what.log.to_syslog);
    EXPECT_EQ(got.what.log.level, log_level::debug);
    EXPECT_EQ(got.what.log.syslog_level, log_level::critical);
    EXPECT_EQ(got.what.log.time, log_time::seconds);
    EXPECT_TRUE(got.what.log.to_file);
    EXPECT_EQ(got.what.log.file, "/l");
    ASSERT_EQ(got.what.nodes.size(), 3U);
    EXPECT_EQ(got.what.nodes[0].id, node_id{1}) << "sorted";
    EXPECT_EQ(got.what.nodes[2].name, "c");
    ASSERT_EQ(got.what.nodes[1].addresses.size(), 1U);
    EXPECT_EQ(got.what.nodes[1].addresses[0].host, "192.0.2.2");
}

TEST(settings, say_what_would_be_right) {
    EXPECT_EQ(said("totem {\n  version: 1\n}\n"),
              "error f:2: totem.version: '1' is not understood; write `version: 2`\n");
    EXPECT_EQ(said("totem {\n  token: 3s\n}\n"),
              "error f:2: totem.token: '3s' is not a number from 50 to 300000; write "
              "milliseconds, for example `token: 1000`\n");
    EXPECT_EQ(said("logging {\n  to_stderr: maybe\n}\n"),
              "error f:2: logging.to_stderr: 'maybe' is neither yes nor no\n");
    EXPECT_TRUE(said("logging {\n  debug: maybe\n}\n")
                    .starts_with("error f:2: logging.debug: 'maybe' is not understood; write one of off, no, on, yes, "
                                 "trace: "));
    EXPECT_EQ(said("system {\n  state_dir: here\n}\n"),
              "error f:2: system.state_dir: 'here' is not a full path; write one that begins with /\n");
}

TEST(settings, encrypt_when_anything_asks_for_it) {
    const auto crypto = [](const std::string& lines) {
        EXPECT_EQ(said("totem {\n" + lines + "}\n"), "") << lines;
        return judged("totem {\n" + lines + "}\n").what.crypto;
    };
    using choice = encryption::choice;
    EXPECT_FALSE(crypto("").wanted());
    EXPECT_FALSE(crypto("secauth: off\ncrypto_cipher: none\ncrypto_hash: none\n").wanted());
    for (const std::string lines :
         {"secauth: on\n", "crypto_hash: md5\n", "secauth: off\ncrypto_cipher: aes256\n", "crypto_cipher: 3des\n",
          "crypto_cipher: aes192\n", "crypto_cipher: none\ncrypto_hash: sha256\n",
          "secauth: yes\ncrypto_cipher: none\ncrypto_hash: none\n"}) {
        EXPECT_TRUE(crypto(lines).wanted()) << lines;
        EXPECT_EQ(crypto(lines).cipher, choice::by_processor) << lines;
    }
    EXPECT_EQ(crypto("crypto_cipher: aes128\ncrypto_hash: sha1\n").cipher, choice::aes_128);
    EXPECT_EQ(crypto("crypto_cipher: chacha20-poly1305\n").cipher, choice::chacha20);
    EXPECT_EQ(crypto("secauth: on\ncrypto_cipher: aes128\ncrypto_hash: none\n").asked_by(),
              "secauth: on, crypto_cipher: aes128");
}

TEST(settings, take_keys_and_do_not_repeat_them) {
    const std::string key(128, 'k');
    EXPECT_EQ(judged("totem {\n  secauth: on\n  key: " + key + "\n}\n").what.crypto.key, key);
    EXPECT_EQ(said("totem {\n  secauth: on\n  key: secret\n}\n"),
              "error f:3: totem.key: has 6 characters; a key has 128 or more\n");
    EXPECT_EQ(said("totem {\n  keyfile: /k\n}\n"),
              "warning f:2: totem.keyfile: nothing is encrypted with it without `crypto_cipher: aes256`\n");
}

TEST(settings, warn_of_keys_that_are_not_known) {
    EXPECT_EQ(said("totem {\n  tokken: 3\n}\n"), "warning f:2: totem.tokken: is not known; is totem.token meant?\n");
    EXPECT_EQ(said("colours {\n  red: 1\n}\n"), "warning f:2: colours.red: is not known\n");
    EXPECT_TRUE(judged("colours {\n  red: 1\n}\n").ok());
}

TEST(settings, warn_once_of_a_key_that_comes_again) {
    EXPECT_EQ(said("quorum {\n  two_node: 1\n  two_node: 0\n}\n"),
              "warning f:2: quorum.two_node: has no meaning here: there is no quorum service: groups work in every "
              "partition\n");
}

TEST(settings, take_transports_that_ours_can_stand_for) {
    EXPECT_EQ(said("totem {\n  transport: knet\n}\n"), "");
    EXPECT_EQ(said("totem {\n  transport: udpu\n}\n"), "");
    EXPECT_TRUE(said("totem {\n  transport: udp\n}\n")
                    .starts_with("error f:2: totem.transport: 'udp' is not understood; write one of knet, udpu: "));
}

TEST(settings, let_users_and_groups_in_by_name_and_number) {
    const access_entries got = judged("uidgid {\n  uid: hacluster\n  gid: haclient\n}\n"
                                      "uidgid {\n  uid: 1000\n  uid: 1001\n}\n")
                                   .what.access;
    EXPECT_EQ(got.users, (std::set<uid_t>{189, 1000, 1001}));
    EXPECT_EQ(got.groups, (std::set<gid_t>{188}));
    EXPECT_EQ(said("uidgid {\n  uid: nobody-here\n}\n"),
              "error f:2: uidgid.uid: 'nobody-here' is no user of this machine; write a user's name or number\n");
    EXPECT_EQ(said("uidgid {\n  gid: 4294967295\n}\n"),
              "error f:2: uidgid.gid: '4294967295' is no group of this machine; write a group's name or number\n");
}

TEST(settings, say_when_they_contradict_each_other) {
    EXPECT_EQ(said("logging {\n  to_logfile: yes\n}\n"),
              "error f:2: logging.to_logfile: there is no file to write to; write for example `logfile: "
              "/var/log/coterie.log` as well\n");
    EXPECT_EQ(said("logging {\n  logfile: /l\n}\n"),
              "warning f:2: logging.logfile: nothing is written to it without `to_logfile: yes`\n");
    EXPECT_TRUE(
        said("totem {\n  nodeid: 1\n}\n" + three_nodes).starts_with("warning f:2: totem.nodeid: does not count"));
}

TEST(settings, are_for_128_nodes_at_most) {
    const auto cluster_of = [](int nodes) {
        std::string text = "nodelist {\n";
        for (int i = 1; i <= nodes; ++i) {
            text += "node {\nnodeid: " + std::to_string(i) + "\nring0_addr: host" + std::to_string(i) + "\n}\n";
        }
        return text + "}\n";
    };
    EXPECT_EQ(said(cluster_of(128)), "");
    EXPECT_EQ(said(cluster_of(130)), "error f:514: nodelist.node: more than 128 nodes are not supported\n");
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
    EXPECT_NE(twice.find("two nodes have the nodeid 1 (the other is at line 3); give each its own"), std::string::npos);
    EXPECT_NE(twice.find("two nodes have the address a ("), std::string::npos);
    EXPECT_NE(twice.find("two nodes have the name n ("), std::string::npos);
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
    EXPECT_EQ(got.diagnostics.front().message(),
              "/nonexistent/coterie.conf: this file cannot be read: No such file or directory");
    EXPECT_FALSE(load("/").ok()) << "a folder is no file";
    EXPECT_TRUE(load("/dev/null").ok()) << "an empty one is in order";
}

TEST(settings, take_entries_from_every_file_of_the_folder_beside_them) {
    std::string folder = (std::filesystem::temp_directory_path() / "coterie-config-XXXXXX").string();
    ASSERT_NE(::mkdtemp(folder.data()), nullptr);
    const auto write = [&](const std::string& name, const std::string& text) {
        std::ofstream(folder + "/" + name) << text;
    };
    std::filesystem::create_directory(folder + "/uidgid.d");
    write("conf", "uidgid {\n  uid: 5\n}\n");
    write("uidgid.d/pacemaker", "uidgid {\n  gid: haclient\n}\n");
    write("uidgid.d/wrong", "uidgid {\n\n  uid: ghost\n}\ntotem {\n  cluster_name: other\n}\n");
    write("uidgid.d/.hidden", "nonsense");
    const loaded got = load(folder + "/conf", known_accounts());
    std::filesystem::remove_all(folder);
    EXPECT_EQ(got.what.access.users, (std::set<uid_t>{5}));
    EXPECT_EQ(got.what.access.groups, (std::set<gid_t>{188}));
    EXPECT_EQ(got.what.cluster_name, "");
    ASSERT_EQ(got.diagnostics.size(), 2U);
    EXPECT_TRUE(got.diagnostics[0].message().starts_with(folder + "/uidgid.d/wrong:3: uidgid.uid: 'ghost'"));
    EXPECT_EQ(got.diagnostics[1].how, diagnostic::weight::warning);
    EXPECT_EQ(got.diagnostics[1].line, 6U);
}

} // namespace coterie::config
