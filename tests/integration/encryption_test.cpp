// SPDX-License-Identifier: BSD-3-Clause
// Three daemons in network namespaces on a switch, and a fourth machine without the key, which hears everything and says
// what it likes in anybody's name.
#include "crypto/hkdf.hpp"
#include "tests/integration/cpg_client.hpp"
#include "tests/integration/eavesdropper.hpp"
#include "tests/integration/switched_network.hpp"
#include "tests/integration/three_nodes.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <random>
#include <regex>
#include <span>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

namespace coterie::tests {

namespace {

constexpr std::uint64_t judged_rate = 1'000;
constexpr std::size_t header_bytes = 56;
constexpr std::size_t nonce_at = 24;
constexpr std::size_t counter_end = 40;

class encrypted : public testing::Test {
protected:
    void SetUp() override {
        if (::geteuid() != 0) {
            GTEST_SKIP() << "SKIPPED: network namespaces need root";
        }
        network.emplace(4, std::vector<std::string>{"10.66.0."});
        if (!network->good()) {
            GTEST_SKIP() << "SKIPPED: this machine does not let root make network namespaces";
        }
    }

    [[nodiscard]] std::string key_file(const std::string& name = "key") const { return keys / name; }
    void write_key(const std::string& file, char filling, mode_t mode = 0400) const {
        std::filesystem::remove(file);
        write_file(file, std::string(256, filling));
        ASSERT_EQ(::chmod(file.c_str(), mode), 0);
    }

    /// Three places of the four; all nodes have one key.
    void set_up(bool traced, const std::string& totem, const std::string& more = {}) {
        std::vector<node_place> places = network->places();
        places.pop_back();
        ASSERT_NO_FATAL_FAILURE(write_key(key_file(), 'k'));
        const std::string text = "totem {\n  keyfile: " + key_file() + "\n  " + totem + "\n}\n" + more;
        nodes.emplace(cluster_options{.places = places, .traced = traced, .more = text});
    }
    /// Changes the configuration of one place.
    void configure(std::size_t place, const std::string& from, const std::string& to) {
        const std::string file = nodes->configuration_file(place);
        const std::string before = content_of(file);
        const std::size_t at = before.find(from);
        ASSERT_NE(at, std::string::npos);
        write_file(file, std::string(before).replace(at, from.size(), to));
    }

    std::size_t times(std::size_t place, const std::string& words) const {
        const std::string text = nodes->log(place);
        std::size_t result = 0;
        for (std::size_t at = text.find(words); at != std::string::npos; at = text.find(words, at + 1)) {
            ++result;
        }
        return result;
    }
    [[nodiscard]] testing::AssertionResult says(std::size_t place, const std::string& words) const {
        if (eventually([&] { return times(place, words) > 0; })) {
            return testing::AssertionSuccess();
        }
        return testing::AssertionFailure() << "daemon " << place + 1 << " does not say '" << words << "'";
    }
    std::size_t views() const { return times(0, "view ") + times(1, "view ") + times(2, "view "); }

    /// The sum of all fields of this name in a daemon's status.
    [[nodiscard]] std::uint64_t counted(std::size_t place, const std::string& field) const {
        const std::string file = nodes->folder() / "status";
        cli::child_options asked = nodes->client(place, {built("bin/coterie"), "status", "--json"});
        asked.output_file = file;
        std::filesystem::remove(file);
        auto started = cli::child_process::start(asked);
        if (!started || started->wait(milliseconds(10'000)) != 0) {
            ADD_FAILURE() << "no status of daemon " << place + 1;
            return 0;
        }
        const std::string text = content_of(file);
        const std::regex pattern("\"" + field + "\": ?([0-9]+)");
        std::uint64_t result = 0;
        for (std::sregex_iterator each(text.begin(), text.end(), pattern), end; each != end; ++each) {
            result += std::stoull((*each)[1]);
        }
        return result;
    }

    /// Whether it is one of the daemons' own datagrams, and one that can be sent again in one piece.
    static bool is_theirs(const overheard& one) {
        return one.bytes.size() >= header_bytes && one.bytes.size() <= 1'472 && one.bytes.starts_with("CORI");
    }

    temporary_folder keys;
    std::optional<switched_network> network;
    std::optional<cluster> nodes; ///< goes first
};

/// A part of a process's memory.
struct memory_region {
    std::string name;
    bool is_protected = false; ///< locked, and left out of core files
    std::string bytes;
};

std::vector<memory_region> memory_of(pid_t process) {
    std::vector<memory_region> result;
    const std::string folder = "/proc/" + std::to_string(process);
    std::ifstream maps(folder + "/smaps");
    std::ifstream memory(folder + "/mem", std::ios::binary);
    std::vector<std::pair<std::uint64_t, std::uint64_t>> places;
    for (std::string line; std::getline(maps, line);) {
        std::uint64_t from = 0;
        std::uint64_t to = 0;
        char readable = 0;
        if (std::sscanf(line.c_str(), "%lx-%lx %c", &from, &to, &readable) == 3 && line.find('-') < 17) {
            places.emplace_back(from, readable == 'r' && line.find("[v") == std::string::npos ? to : from);
            result.push_back({.name = line, .is_protected = false, .bytes = {}});
        } else if (line.starts_with("VmFlags:") && !result.empty()) {
            result.back().is_protected = (line + " ").contains(" dd ") && (line + " ").contains(" lo ");
        }
    }
    for (std::size_t i = 0; i < result.size(); ++i) {
        const auto [from, to] = places[i];
        result[i].bytes.resize(to - from);
        memory.clear();
        memory.seekg(static_cast<std::streamoff>(from));
        memory.read(result[i].bytes.data(), static_cast<std::streamsize>(to - from));
    }
    return result;
}

/// What clients of all nodes say while somebody listens, as one text.
class conversation {
public:
    static constexpr std::string_view group = "a group that has a name of its own";
    static constexpr std::string_view words = "these words are for the members of the group and for nobody else";

    explicit conversation(cluster& nodes) {
        for (std::size_t place = 0; place < 3; ++place) {
            nodes.start(place);
        }
        for (std::size_t place = 0; place < 3; ++place) {
            ::setenv("COTERIE_SOCKET", nodes.socket(place).c_str(), 1);
            EXPECT_EQ(_clients[place].open(), CS_OK);
            EXPECT_EQ(_clients[place].join(group), CS_OK);
        }
        ::unsetenv("COTERIE_SOCKET");
        EXPECT_TRUE(eventually([&] {
            static_cast<void>(_clients[0].dispatch(CS_DISPATCH_ALL));
            return _clients[0].known_members() == 3;
        }));
        for (int round = 0; round < 20; ++round) {
            for (cpg_client& each : _clients) {
                EXPECT_EQ(each.send_patiently(words), CS_OK);
            }
        }
        for (cpg_client& each : _clients) {
            EXPECT_TRUE(eventually([&] {
                static_cast<void>(each.dispatch(CS_DISPATCH_ALL));
                const auto seen = each.seen();
                return std::count_if(seen.begin(), seen.end(),
                                     [](const std::string& line) { return line.contains(words); }) == 60;
            }));
        }
    }

    /// This process's id, and how a record of a join has it.
    static std::string pid_and_group() {
        const auto pid = static_cast<std::uint32_t>(::getpid());
        std::string result(sizeof(pid), '\0');
        std::memcpy(result.data(), &pid, sizeof(pid));
        return result;
    }

private:
    std::array<cpg_client, 3> _clients;
};

std::size_t datagrams_with(const std::vector<overheard>& all, std::string_view what) {
    return static_cast<std::size_t>(std::count_if(
        all.begin(), all.end(), [&](const overheard& each) { return each.bytes.find(what) != std::string::npos; }));
}

} // namespace

TEST_F(encrypted, traffic_shows_neither_messages_nor_groups_nor_processes) {
    ASSERT_NO_FATAL_FAILURE(set_up(false, "crypto_cipher: aes256"));
    eavesdropper ear(switched_network::name(0));
    ASSERT_TRUE(ear.good());
    const conversation said(*nodes);
    const std::vector<overheard> all = ear.take();
    ASSERT_GT(std::count_if(all.begin(), all.end(), is_theirs), 50);
    EXPECT_EQ(datagrams_with(all, conversation::words), 0U);
    EXPECT_EQ(datagrams_with(all, conversation::words.substr(0, 12)), 0U);
    EXPECT_EQ(datagrams_with(all, conversation::group), 0U);
    EXPECT_EQ(datagrams_with(all, conversation::group.substr(2, 9)), 0U);
    EXPECT_EQ(datagrams_with(all, conversation::pid_and_group()), 0U);
    EXPECT_TRUE(says(0, "packets are encrypted and authenticated with "));
    EXPECT_EQ(times(0, std::string(32, 'k')), 0U) << "the key is not in the log";
}

TEST_F(encrypted, traffic_would_show_all_of_it_without_a_key) {
    ASSERT_NO_FATAL_FAILURE(set_up(false, "crypto_cipher: none"));
    eavesdropper ear(switched_network::name(0));
    ASSERT_TRUE(ear.good());
    const conversation said(*nodes);
    const std::vector<overheard> all = ear.take();
    EXPECT_GT(datagrams_with(all, conversation::words), 0U);
    EXPECT_GT(datagrams_with(all, conversation::group), 0U);
    EXPECT_GT(datagrams_with(all, conversation::pid_and_group()), 0U);
    EXPECT_TRUE(says(0, "packets are not encrypted"));
    EXPECT_EQ(times(0, "packets are not encrypted"), 1U);
}

TEST_F(encrypted, clusters_go_on_undisturbed_in_a_flood_of_garbage_old_and_altered_packets) {
    ASSERT_NO_FATAL_FAILURE(set_up(true, "crypto_cipher: aes256", "system {\n  udp_offload: no\n}\n"));
    eavesdropper ear(switched_network::name(0));
    eavesdropper mouth(switched_network::name(4), switched_network::card(0));
    ASSERT_TRUE(ear.good() && mouth.good());
    flood clients(*nodes, judged_rate);
    ASSERT_TRUE(clients.wait_for({0, 1, 2}, {"change", "1,2,3"}));
    clients.let_pass(milliseconds(500));
    std::vector<overheard> heard = ear.take();
    std::erase_if(heard, [](const overheard& each) { return !is_theirs(each); });
    ASSERT_GT(heard.size(), 200U);
    heard.resize(std::min<std::size_t>(heard.size(), 1'000));
    const std::size_t views_before = views();
    std::mt19937_64 random(1);
    std::size_t lines_before = 0;
    for (std::size_t place = 0; place < 3; ++place) {
        lines_before += times(place, "\n");
    }
    constexpr std::size_t attacks = 60'000;
    for (std::size_t i = 0; i < attacks; ++i) {
        overheard one = heard[i % heard.size()];
        switch (i % 4) {
        case 0: break; // once more
        case 1: {
            const std::size_t bit = random() % (8 * one.bytes.size());
            one.bytes[bit / 8] = static_cast<char>(one.bytes[bit / 8] ^ (1 << (bit % 8)));
            break;
        }
        case 2: // a good header, of a life that never was
            for (std::size_t at = nonce_at; at < one.bytes.size(); ++at) {
                one.bytes[at] = static_cast<char>(random());
            }
            one.bytes[counter_end - 1] = 0;
            break;
        default:
            for (char& each : one.bytes) {
                each = static_cast<char>(random());
            }
        }
        while (!mouth.inject(one)) {
            clients.let_pass(milliseconds(1));
        }
        if (i % 1'000 == 0) {
            clients.let_pass(milliseconds(5));
        }
    }
    clients.let_pass(milliseconds(1'500));
    EXPECT_EQ(views(), views_before);
    std::uint64_t altered = 0;
    std::uint64_t repeated = 0;
    std::size_t lines_after = 0;
    for (std::size_t place = 0; place < 3; ++place) {
        altered += counted(place, "altered");
        repeated += counted(place, "duplicates") + counted(place, "replayed");
        lines_after += times(place, "\n");
    }
    EXPECT_GT(altered, attacks / 8);
    EXPECT_GT(repeated, attacks / 8);
    EXPECT_LT(lines_after - lines_before, 30U) << "lines are not told for each packet";
    EXPECT_GT(times(0, "refused as forged, or altered on their way"), 0U);
    clients.end();
    clients.judge();
}

TEST_F(encrypted, lives_that_were_recorded_do_not_come_back) {
    ASSERT_NO_FATAL_FAILURE(set_up(false, "secauth: on", "system {\n  udp_offload: no\n}\n"));
    eavesdropper ear(switched_network::name(0));
    eavesdropper mouth(switched_network::name(4), switched_network::card(0));
    ASSERT_TRUE(ear.good() && mouth.good());
    for (std::size_t place = 0; place < 3; ++place) {
        nodes->start(place);
    }
    const auto all_in = [&](std::size_t count) {
        return eventually([&] { return times(0, "members 1 (10.66.0.1), 2 (10.66.0.2), 3 (10.66.0.3)") == count; });
    };
    ASSERT_TRUE(all_in(1));
    std::this_thread::sleep_for(milliseconds(500));
    std::vector<overheard> recorded = ear.take();
    const std::uint32_t third = ::inet_addr("10.66.0.3");
    std::erase_if(recorded, [&](const overheard& each) { return !is_theirs(each) || each.from != third; });
    ASSERT_GT(recorded.size(), 20U);
    nodes->kill(2);
    ASSERT_TRUE(eventually([&] { return times(0, "left 3") > 0 && times(1, "left 3") > 0; }));
    const std::size_t views_before = views();
    // As long as it was alive, and in the order in which it was said.
    const auto play_back = [&] {
        for (const overheard& each : recorded) {
            static_cast<void>(mouth.inject(each));
            std::this_thread::sleep_for(std::chrono::microseconds(200));
        }
    };
    for (int round = 0; round < 10; ++round) {
        play_back();
        std::this_thread::sleep_for(milliseconds(400));
    }
    EXPECT_EQ(views(), views_before) << "nobody came";
    // A daemon that knows nothing of the past does not believe it either.
    nodes->kill(1);
    ASSERT_TRUE(eventually([&] { return times(0, "left 2") > 0; }));
    nodes->start(1);
    ASSERT_TRUE(eventually([&] { return times(0, "joined 2") > 0; }));
    for (int round = 0; round < 10; ++round) {
        play_back();
        std::this_thread::sleep_for(milliseconds(400));
    }
    EXPECT_GT(counted(0, "no_answer") + counted(0, "too_old") + counted(0, "duplicates"), 100U);
    EXPECT_GT(counted(1, "no_answer"), 100U);
    EXPECT_TRUE(says(1, "refused of a life that does not answer"));
    EXPECT_EQ(times(1, "members 1 (10.66.0.1), 2 (10.66.0.2), 3"), 1U) << "in its first life";
    // And the node itself is let in while the recording is played.
    std::atomic<bool> over = false;
    std::thread player([&] {
        while (!over) {
            play_back();
        }
    });
    nodes->start(2);
    EXPECT_TRUE(all_in(2));
    over = true;
    player.join();
}

TEST_F(encrypted, keys_are_in_protected_memory_alone) {
    ASSERT_NO_FATAL_FAILURE(set_up(false, "crypto_cipher: aes256"));
    // One that can be told from whatever else is in memory.
    std::mt19937_64 random(7);
    std::string material(256, '\0');
    std::ranges::generate(material, [&] { return static_cast<char>(random()); });
    std::filesystem::remove(key_file());
    write_file(key_file(), material);
    ASSERT_EQ(::chmod(key_file().c_str(), 0400), 0);
    nodes->start(0);
    nodes->start(1);
    ASSERT_TRUE(says(0, "members 1 (10.66.0.1), 2 (10.66.0.2);"));
    const auto material_bytes = std::as_bytes(std::span(material));
    const std::string salt = "coterie cluster test";
    const crypto::secret strong = crypto::hkdf_extract(std::as_bytes(std::span(salt)), material_bytes);
    const auto text = [](std::span<const std::byte> bytes) {
        return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    };
    const std::vector<memory_region> memory = memory_of(nodes->daemon(0).pid());
    std::size_t strong_found = 0;
    for (const memory_region& each : memory) {
        EXPECT_EQ(each.bytes.find(material.substr(0, 24)), std::string::npos) << each.name;
        EXPECT_EQ(each.bytes.find(material.substr(200, 24)), std::string::npos) << each.name;
        if (each.bytes.find(text(strong.bytes())) != std::string::npos) {
            ++strong_found;
            EXPECT_TRUE(each.is_protected) << each.name;
        }
    }
    EXPECT_EQ(strong_found, 1U) << "or this test looks at the wrong place";
}

TEST_F(encrypted, clusters_keep_out_a_node_with_another_key_and_say_why) {
    ASSERT_NO_FATAL_FAILURE(set_up(false, "crypto_hash: sha1"));
    ASSERT_NO_FATAL_FAILURE(write_key(key_file("other"), 'x'));
    ASSERT_NO_FATAL_FAILURE(configure(2, key_file(), key_file("other")));
    for (std::size_t place = 0; place < 3; ++place) {
        nodes->start(place);
    }
    const std::string cause = "refused under a key that this node does not have";
    EXPECT_TRUE(says(0, "node 3 (10.66.0.3): "));
    EXPECT_TRUE(says(0, cause));
    EXPECT_TRUE(says(2, "node 1 (10.66.0.1): "));
    EXPECT_TRUE(says(2, cause));
    EXPECT_TRUE(says(0, "members 1 (10.66.0.1), 2 (10.66.0.2);"));
    EXPECT_EQ(times(0, ", 3 (10.66.0.3)"), 0U);
    EXPECT_GT(counted(0, "other_key"), 0U);
    EXPECT_LE(times(0, cause), 2U) << "not once a packet";
}

TEST_F(encrypted, clusters_change_their_key_under_a_flood_and_no_view_changes) {
    ASSERT_NO_FATAL_FAILURE(set_up(true, "crypto_cipher: aes128"));
    const auto own = [&](std::size_t place) { return key_file("key" + std::to_string(place + 1)); };
    for (std::size_t place = 0; place < 3; ++place) {
        ASSERT_NO_FATAL_FAILURE(write_key(own(place), 'k'));
        ASSERT_NO_FATAL_FAILURE(configure(place, key_file() + "\n", own(place) + "\n"));
    }
    flood clients(*nodes, judged_rate);
    ASSERT_TRUE(clients.wait_for({0, 1, 2}, {"change", "1,2,3"}));
    const std::size_t views_before = views();
    // The exit status, and what it said.
    const auto key = [&](std::size_t place, const std::string& step, const std::string& more = "") {
        cli::child_options asked = nodes->client(place, {built("bin/coterie"), "key", step});
        if (!more.empty()) {
            asked.command.push_back(more);
        }
        asked.output_file = nodes->folder() / "key-output";
        std::filesystem::remove(asked.output_file);
        auto started = cli::child_process::start(asked);
        const auto status = started ? started->wait(milliseconds(20'000)) : std::nullopt;
        clients.let_pass(milliseconds(50));
        return std::pair(status.value_or(-1), content_of(asked.output_file));
    };
    const auto all = [&](const std::string& step, const std::string& words) {
        for (std::size_t place = 0; place < 3; ++place) {
            // What others have told may be on its way.
            EXPECT_TRUE(eventually([&] { return key(place, step).first == 0; })) << key(place, step).second;
            EXPECT_TRUE(says(place, words));
        }
    };
    const auto copy = [&](std::size_t place) {
        std::filesystem::copy_file(own(0) + ".next", own(place) + ".next");
        ASSERT_EQ(::chmod((own(place) + ".next").c_str(), 0400), 0);
    };
    EXPECT_EQ(key(0, "rotate").first, 0);
    ASSERT_NO_FATAL_FAILURE(copy(1));
    EXPECT_EQ(key(1, "rotate").first, 0);
    // Not all can follow.
    const auto early = key(0, "rotate");
    EXPECT_EQ(early.first, 1);
    EXPECT_NE(early.second.find("node 3 does not accept the new key yet: nothing was changed"), std::string::npos)
        << early.second;
    EXPECT_EQ(key(0, "finish").first, 1);
    ASSERT_NO_FATAL_FAILURE(copy(2));
    EXPECT_EQ(key(2, "rotate").first, 0);
    // Half done, and back, and on.
    EXPECT_TRUE(eventually([&] { return key(0, "rotate").first == 0; }));
    EXPECT_EQ(key(0, "finish").first, 1);
    EXPECT_NE(key(1, "status").second.find("Next    run `coterie key rotate` on every node"), std::string::npos);
    cli::child_options asked = nodes->client(1, {built("bin/coterie"), "status"});
    asked.output_file = nodes->folder() / "half-done";
    ASSERT_EQ(cli::child_process::start(asked)->wait(milliseconds(20'000)), 0);
    EXPECT_NE(content_of(asked.output_file).find("the key is being changed"), std::string::npos);
    EXPECT_EQ(key(0, "undo").first, 0);
    all("rotate", "is used, number");
    all("finish", "is used\n");
    EXPECT_EQ(views(), views_before);
    EXPECT_EQ(counted(0, "other_key") + counted(1, "other_key") + counted(2, "other_key"), 0U);
    clients.end();
    clients.judge();
}

TEST_F(encrypted, clusters_keep_out_a_node_that_does_not_encrypt_and_both_say_why) {
    ASSERT_NO_FATAL_FAILURE(set_up(false, "crypto_hash: sha1"));
    nodes->start(0);
    nodes->start(1);
    ASSERT_NO_FATAL_FAILURE(configure(2, "crypto_hash: sha1", ""));
    nodes->start(2);
    EXPECT_TRUE(says(0, "node 3 (10.66.0.3): "));
    EXPECT_TRUE(says(0, "refused that are not encrypted"));
    EXPECT_TRUE(says(2, "refused that are encrypted"));
    EXPECT_TRUE(says(0, "members 1 (10.66.0.1), 2 (10.66.0.2);"));
}

} // namespace coterie::tests
