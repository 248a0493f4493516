// SPDX-License-Identifier: BSD-3-Clause
// The fixture of tests of the C API: a daemon of one node.
#pragma once

#include "tests/integration/cluster.hpp"
#include "tests/integration/cpg_client.hpp"

#include <cstdlib>
#include <functional>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

namespace coterie::tests {

class cpg_api : public testing::Test {
protected:
    void SetUp() override {
        ::setenv("COTERIE_SOCKET", _cluster.socket(0).c_str(), 1);
        _cluster.start(0);
    }

    cluster& daemons() { return _cluster; }

    /// Opens a client and joins it; its first event has been seen.
    void join(cpg_client& who, std::string_view group) {
        ASSERT_EQ(who.open(), CS_OK);
        ASSERT_EQ(who.join(group), CS_OK);
        ASSERT_TRUE(who.see(1));
    }

    /// Runs `what` in a child process; its exit status.
    int in_child(const std::function<int()>& what) {
        const pid_t child = ::fork();
        if (child == 0) {
            ::_exit(what());
        }
        int status = 0;
        ::waitpid(child, &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }

private:
    cluster _cluster{cluster_options{}};
};

} // namespace coterie::tests
