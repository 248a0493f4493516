// SPDX-License-Identifier: BSD-3-Clause
// The layout of every packet, byte by byte. These bytes are what daemons of one version exchange: when a change makes a
// test here fail, the version in the header has to change with it.
#include "tests/support/wire_packets.hpp"

#include <gtest/gtest.h>

#include <string>

namespace coterie::tests {
namespace {

std::string hex_of(bytes_view bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string result;
    for (const std::byte byte : bytes) {
        result += digits[std::to_integer<std::size_t>(byte >> 4U)];
        result += digits[std::to_integer<std::size_t>(byte & std::byte{15})];
    }
    return result;
}

template <class Packet>
void expect_golden(const Packet& packet, std::string_view hex) {
    base::buffer_pool pool;
    base::buffer sealed = wire::encode(pool, sender, packet);
    wire::seal(sealed, 0x0908070605040302);
    EXPECT_EQ(hex_of(sealed.bytes()), hex);
}

// A field a line.
// clang-format off

TEST(golden_bytes, of_a_heartbeat) {
    expect_golden(sample<wire::heartbeat>(),
                  "434f524901010000" // magic, version, kind, key slot, cipher
                  "8877665544332211" // cluster
                  "04030201" // sender
                  "8d000000" // body length
                  "a7a6a5a4a3a2a1a0" // nonce
                  "0203040506070809" // packet counter
                  "495a18410297c2656caddf7686760d7d" // tag
                  "01010000000000002100000001b6b5b4b3b2b1b0" // view
                  "0500" // view size
                  "0a" // flags
                  "02010000000000002200000002b6b5b4b3b2b1b0" // promised
                  "0103000000000000" // highest epoch
                  "0203000000000000" // hop
                  "03030000" // holder
                  "0403000000000000" // highest
                  "0503000000000000" // received
                  "0603000000000000" // stable
                  "0703000000000000" // counter
                  "0803000000000000" // echoed nonce
                  "0903000000000000" // echoed counter
                  "0a030000" // echo held
                  "0200" // hears: 2
                  "0100000001000000c3c2c1c0"
                  "0700000007000000c3c2c1c0");
}

TEST(golden_bytes, of_a_data) {
    expect_golden(sample<wire::data>(),
                  "434f524901020000" // magic, version, kind, key slot, cipher
                  "8877665544332211" // cluster
                  "04030201" // sender
                  "40000000" // body length
                  "a7a6a5a4a3a2a1a0" // nonce
                  "0203040506070809" // packet counter
                  "78c416fd2107feccc6259d3722225286" // tag
                  "01010000000000002100000001b6b5b4b3b2b1b0" // view
                  "0104000000000000" // number
                  "02040000" // originator
                  "05" // flags
                  "0304000000000000" // hop
                  "04040000" // holder
                  "0504000000000000" // first number of the hop
                  "0604000000000000" // stable
                  "706179"); // payload
}

TEST(golden_bytes, of_a_token) {
    expect_golden(sample<wire::token>(),
                  "434f524901030000" // magic, version, kind, key slot, cipher
                  "8877665544332211" // cluster
                  "04030201" // sender
                  "5e000000" // body length
                  "a7a6a5a4a3a2a1a0" // nonce
                  "0203040506070809" // packet counter
                  "86a7adb52f36d776cae34619e9b440e3" // tag
                  "01010000000000002100000001b6b5b4b3b2b1b0" // view
                  "0105000000000000" // hop
                  "02050000" // giver
                  "03050000" // target
                  "0405000000000000" // next
                  "0505000000000000" // numbered bytes
                  "0605000000000000" // stable
                  "0200" // members: 2
                  "07050000000000000805000009050000" // received, wanted, served
                  "0a050000000000000b0500000c050000");
}

TEST(golden_bytes, of_a_token_proof) {
    expect_golden(sample<wire::token_proof>(),
                  "434f524901040000" // magic, version, kind, key slot, cipher
                  "8877665544332211" // cluster
                  "04030201" // sender
                  "1c000000" // body length
                  "a7a6a5a4a3a2a1a0" // nonce
                  "0203040506070809" // packet counter
                  "51143ffc5175b9ad4314a581f1effc16" // tag
                  "01010000000000002100000001b6b5b4b3b2b1b0" // view
                  "0106000000000000"); // hop
}

TEST(golden_bytes, of_a_token_request) {
    expect_golden(sample<wire::token_request>(),
                  "434f524901050000" // magic, version, kind, key slot, cipher
                  "8877665544332211" // cluster
                  "04030201" // sender
                  "24000000" // body length
                  "a7a6a5a4a3a2a1a0" // nonce
                  "0203040506070809" // packet counter
                  "9bc29442d1bdaf9a4b31ce325af1a710" // tag
                  "01010000000000002100000001b6b5b4b3b2b1b0" // view
                  "01070000" // requester
                  "02070000" // counter
                  "0307000000000000"); // hop
}

TEST(golden_bytes, of_an_acknowledgement) {
    expect_golden(sample<wire::acknowledgement>(),
                  "434f524901060000" // magic, version, kind, key slot, cipher
                  "8877665544332211" // cluster
                  "04030201" // sender
                  "29000000" // body length
                  "a7a6a5a4a3a2a1a0" // nonce
                  "0203040506070809" // packet counter
                  "b8c56b90660063ec4c691819038564b5" // tag
                  "01010000000000002100000001b6b5b4b3b2b1b0" // view
                  "1100" // first
                  "1200" // count
                  "0108000000000000" // received
                  "0208000000000000" // hop
                  "01"); // flags
}

TEST(golden_bytes, of_a_repair_request) {
    expect_golden(sample<wire::repair_request>(),
                  "434f524901070000" // magic, version, kind, key slot, cipher
                  "8877665544332211" // cluster
                  "04030201" // sender
                  "43000000" // body length
                  "a7a6a5a4a3a2a1a0" // nonce
                  "0203040506070809" // packet counter
                  "17f95aa66e0dc9a02d3ee96b8edebea1" // tag
                  "01010000000000002100000001b6b5b4b3b2b1b0" // view
                  "02010000000000002200000002b6b5b4b3b2b1b0" // attempt
                  "01" // to all
                  "0200" // ranges: 2
                  "010900000000000002090000" // first, count
                  "030900000000000004090000");
}

TEST(golden_bytes, of_a_proposal) {
    expect_golden(sample<wire::proposal>(),
                  "434f524901080000" // magic, version, kind, key slot, cipher
                  "8877665544332211" // cluster
                  "04030201" // sender
                  "3a000000" // body length
                  "a7a6a5a4a3a2a1a0" // nonce
                  "0203040506070809" // packet counter
                  "0329b0d1336c2fb2670f0fa2044bac4e" // tag
                  "01010000000000002100000001b6b5b4b3b2b1b0" // attempt
                  "0300" // candidates: 3
                  "0200000002000000c3c2c1c0"
                  "0300000003000000c3c2c1c0"
                  "0900000009000000c3c2c1c0");
}

TEST(golden_bytes, of_a_report) {
    expect_golden(sample<wire::report>(),
                  "434f524901090000" // magic, version, kind, key slot, cipher
                  "8877665544332211" // cluster
                  "04030201" // sender
                  "88000000" // body length
                  "a7a6a5a4a3a2a1a0" // nonce
                  "0203040506070809" // packet counter
                  "5a5a6358e1783ad4cb5031b56d8e4cf5" // tag
                  "01010000000000002100000001b6b5b4b3b2b1b0" // attempt
                  "02010000000000002200000002b6b5b4b3b2b1b0" // old view
                  "010a000000000000" // received
                  "02000f80" // beyond: 2 bytes
                  "020a000000000000" // delivered
                  "030a000000000000" // stable
                  "03010000000000002300000003b6b5b4b3b2b1b0" // completed
                  "0a090807060504fa" // hash of its plan
                  "050a000000000000" // owed stable
                  "0200" // owed: 2
                  "060a0000070a0000"
                  "080a000000000000" // highest epoch
                  "0100" // hears: 1
                  "0400000004000000c3c2c1c0");
}

TEST(golden_bytes, of_a_refusal) {
    expect_golden(sample<wire::refusal>(),
                  "434f5249010a0000" // magic, version, kind, key slot, cipher
                  "8877665544332211" // cluster
                  "04030201" // sender
                  "28000000" // body length
                  "a7a6a5a4a3a2a1a0" // nonce
                  "0203040506070809" // packet counter
                  "38d008b9a5d02e21f1ea0c88fc1f6c80" // tag
                  "01010000000000002100000001b6b5b4b3b2b1b0" // attempt
                  "02010000000000002200000002b6b5b4b3b2b1b0"); // promised
}

TEST(golden_bytes, of_a_plan) {
    expect_golden(sample<wire::plan>(),
                  "434f5249010b0000" // magic, version, kind, key slot, cipher
                  "8877665544332211" // cluster
                  "04030201" // sender
                  "aa000000" // body length
                  "a7a6a5a4a3a2a1a0" // nonce
                  "0203040506070809" // packet counter
                  "2b653a0fa6256c5d9790a4b7c852e93c" // tag
                  "05010000000000002500000005b6b5b4b3b2b1b0" // attempt
                  "0300" // members: 3
                  "0100000001000000c3c2c1c0"
                  "0200000002000000c3c2c1c0"
                  "0300000003000000c3c2c1c0"
                  "02000000" // first holder
                  "0200" // transitions: 2
                  "01010000000000002100000001b6b5b4b3b2b1b0" // old view
                  "0200" // together: 2
                  "0100000002000000"
                  "010b000000000000" // stable
                  "020b000000000000" // base
                  "0100" // owed: 1
                  "09000000"
                  "0200" // runs: 2
                  "01030b" // owner, count
                  "ff0100"
                  "02010000000000002200000002b6b5b4b3b2b1b0" // old view
                  "0100" // together: 1
                  "03000000"
                  "040b000000000000" // stable
                  "050b000000000000" // base
                  "0000" // owed: 0
                  "0000"); // runs: 0
}

TEST(golden_bytes, of_a_completion) {
    expect_golden(sample<wire::completion>(),
                  "434f5249010c0000" // magic, version, kind, key slot, cipher
                  "8877665544332211" // cluster
                  "04030201" // sender
                  "20000000" // body length
                  "a7a6a5a4a3a2a1a0" // nonce
                  "0203040506070809" // packet counter
                  "428ddaf6e95da455926cf7ddc026f60d" // tag
                  "01010000000000002100000001b6b5b4b3b2b1b0" // attempt
                  "07060504030201fc" // hash of the plan
                  "020c0000"); // missing
}

TEST(golden_bytes, of_an_install) {
    expect_golden(sample<wire::install>(),
                  "434f5249010d0000" // magic, version, kind, key slot, cipher
                  "8877665544332211" // cluster
                  "04030201" // sender
                  "30000000" // body length
                  "a7a6a5a4a3a2a1a0" // nonce
                  "0203040506070809" // packet counter
                  "ccc578470858da19d46e0c70fdff7b63" // tag
                  "01010000000000002100000001b6b5b4b3b2b1b0" // attempt
                  "07060504030201fd" // hash of the plan
                  "02010000000000002200000002b6b5b4b3b2b1b0"); // authorised by
}

TEST(golden_bytes, of_a_recovered) {
    expect_golden(sample<wire::recovered>(),
                  "434f5249010e0000" // magic, version, kind, key slot, cipher
                  "8877665544332211" // cluster
                  "04030201" // sender
                  "38000000" // body length
                  "a7a6a5a4a3a2a1a0" // nonce
                  "0203040506070809" // packet counter
                  "973be79a20a09b041809a4f165385b0b" // tag
                  "02010000000000002200000002b6b5b4b3b2b1b0" // attempt
                  "01010000000000002100000001b6b5b4b3b2b1b0" // old view
                  "010e000000000000" // number
                  "020e0000" // originator
                  "02" // flags
                  "706179"); // payload
}

TEST(golden_bytes, of_a_link_probe) {
    expect_golden(sample<wire::link_probe>(),
                  "434f5249010f0000" // magic, version, kind, key slot, cipher
                  "8877665544332211" // cluster
                  "04030201" // sender
                  "11000000" // body length
                  "a7a6a5a4a3a2a1a0" // nonce
                  "0203040506070809" // packet counter
                  "03652abb0c6f28dd056544411ea77503" // tag
                  "05" // link
                  "010f000000000000" // round
                  "07060504030201fe"); // answered
}

TEST(golden_bytes, of_a_life_proof) {
    expect_golden(sample<wire::life_proof>(),
                  "434f524901100000" // magic, version, kind, key slot, cipher
                  "8877665544332211" // cluster
                  "04030201" // sender
                  "1d000000" // body length
                  "a7a6a5a4a3a2a1a0" // nonce
                  "0203040506070809" // packet counter
                  "7913964188023c65313e24421a034bd1" // tag
                  "01100000" // to
                  "0210000000000000" // question
                  "07060504030201fd" // answered
                  "0310000000000000" // answer
                  "11"); // other slot
}

// clang-format on

TEST(golden_bytes, of_a_size_probe) {
    expect_golden(sample<wire::size_probe>(),
                  "434f524901110000"                 // magic, version, kind, key slot, cipher
                  "8877665544332211"                 // cluster
                  "04030201"                         // sender
                  "15000000"                         // body length
                  "a7a6a5a4a3a2a1a0"                 // nonce
                  "0203040506070809"                 // packet counter
                  "12fdd291cb7c42fbd0fdfe91528959c3" // tag
                  "06"                               // link
                  "0112000000000000"                 // round
                  "07060504030201fc"                 // answered
                  "ac050000");                       // bytes
}

TEST(golden_bytes, of_a_fragment) {
    expect_golden(sample<wire::fragment>(),
                  "434f524901120000"                 // magic, version, kind, key slot, cipher
                  "8877665544332211"                 // cluster
                  "04030201"                         // sender
                  "15000000"                         // body length
                  "a7a6a5a4a3a2a1a0"                 // nonce
                  "0203040506070809"                 // packet counter
                  "3cd3d1a31181e1ee330a36a9423816ce" // tag
                  "0113000000000000"                 // number
                  "03020000"                         // total
                  "00010000"                         // unit
                  "0200"                             // index
                  "706179");                         // piece
}

} // namespace
} // namespace coterie::tests
