// SPDX-License-Identifier: BSD-3-Clause
// Refused packets are told by node and likely cause, seldom however many they are.
#include "daemon/refusal_watch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace coterie::daemon {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class refusals : public testing::Test {
protected:
    std::vector<std::string> look(seconds when) {
        net::sealing_report sealing;
        sealing.nodes.push_back({.node = {2}, .known = {}});
        sealing.nodes.front().known.refused = _of;
        return _watch.judge(base::time_point(when), sealing, {});
    }

    refusal_watch _watch{[](base::node_id node) { return "node " + std::to_string(node.value); }};
    crypto::record_refusals _of;
};

TEST_F(refusals, are_told_with_node_number_and_cause) {
    EXPECT_THAT(look(seconds(1)), IsEmpty());
    _of.unknown_key = 5;
    EXPECT_THAT(look(seconds(2)),
                ElementsAre(HasSubstr("node 2: 5 packets refused under a key that this node does not")));
    _of.no_key = 1;
    EXPECT_THAT(look(seconds(3)), ElementsAre(HasSubstr("node 2: 1 packet refused that are not encrypted")));
    _of.wrong_tag = 1;
    EXPECT_THAT(look(seconds(4)), ElementsAre(HasSubstr("node 2: 1 packet refused as forged, or altered")));
}

TEST_F(refusals, are_told_once_a_minute_however_many_there_are) {
    _of.wrong_tag = 1;
    EXPECT_EQ(look(seconds(1)).size(), 1U);
    for (int second = 2; second < 61; ++second) {
        _of.wrong_tag += 1'000'000;
        EXPECT_THAT(look(seconds(second)), IsEmpty());
    }
    _of.wrong_tag += 1;
    EXPECT_THAT(look(seconds(61)), ElementsAre(HasSubstr("59000001 packets")));
    EXPECT_THAT(look(seconds(200)), IsEmpty()) << "nothing new";
}

TEST_F(refusals, that_a_restart_explains_are_told_when_they_go_on) {
    _of.unproven = 10;
    EXPECT_THAT(look(seconds(1)), IsEmpty());
    EXPECT_THAT(look(seconds(2)), IsEmpty()) << "no more of them";
    for (int second = 3; second < 5; ++second) {
        _of.unproven += 10;
        EXPECT_THAT(look(seconds(second)), IsEmpty());
    }
    _of.unproven += 10;
    EXPECT_THAT(look(seconds(5)), ElementsAre(HasSubstr("of a life that does not answer")));
}

TEST_F(refusals, of_encrypted_packets_are_told_where_there_is_no_key) {
    net::transport_counters counts;
    EXPECT_THAT(_watch.judge(base::time_point(seconds(1)), std::nullopt, counts), IsEmpty());
    counts.refused[static_cast<std::size_t>(wire::refusal_reason::key_slot)] = 3;
    counts.last_unknown_key = 2;
    EXPECT_THAT(_watch.judge(base::time_point(seconds(2)), std::nullopt, counts),
                ElementsAre(HasSubstr("3 packets refused that are encrypted, the last in the name of node 2")));
}

} // namespace
} // namespace coterie::daemon
