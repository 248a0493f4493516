// SPDX-License-Identifier: BSD-3-Clause
// Runs the program that was built with Debian's headers and library on our libraries: layouts, names and symbol versions
// have to fit. Without libcpg-dev there is no such program, and the test says so.
#include "tests/integration/cluster.hpp"

#include <gtest/gtest.h>

namespace coterie::tests {

TEST(a_program_built_for_corosync, runs_on_this_library) {
    const std::string program = DEBIAN_CLIENT;
    if (program.empty()) {
        GTEST_SKIP() << "SKIPPED: libcpg-dev was not there when this was configured";
    }
    cluster one(cluster_options{});
    one.start(0);
    cli::child_options options = one.client(0, {program});
    options.environment.emplace_back("LD_LIBRARY_PATH", built("lib"));
    auto client = cli::child_process::start(options);
    ASSERT_TRUE(client) << client.error();
    EXPECT_EQ(client->wait(milliseconds(20'000)), 0);
    EXPECT_EQ(content_of(options.output_file), "good\n");
}

} // namespace coterie::tests
