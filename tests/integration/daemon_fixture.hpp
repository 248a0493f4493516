// SPDX-License-Identifier: BSD-3-Clause
// Daemons one by one, each with a configuration of its own, for tests of how they behave on a machine: started through
// another program if need be, with an environment, judged by what they log.
#pragma once

#include "tests/integration/cluster.hpp"

#include <algorithm>
#include <gtest/gtest.h>
#include <unistd.h>

namespace coterie::tests {

/// How a daemon is started.
struct daemon_start {
    std::string name = "a";               ///< of its files in the folder of the test
    std::string more{};                   ///< of its configuration
    std::vector<std::string> arguments{}; ///< besides -f and -c
    std::vector<std::string> prefix{};    ///< the program that runs it
    std::string shell{};                  ///< run before it in a mount namespace of its own
    std::vector<std::pair<std::string, std::string>> environment{};
};

class daemon_test : public testing::Test {
protected:
    [[nodiscard]] std::string path(const std::string& name) const { return _folder / name; }
    [[nodiscard]] std::string socket(const std::string& name) const { return path(name + ".sock"); }
    [[nodiscard]] std::string log(const std::string& name) const { return content_of(path(name + ".said")); }

    /// Starts a daemon; what it says on standard error is its log.
    [[nodiscard]] cli::child_process start(const daemon_start& how) {
        const std::string conf = path(how.name + ".conf");
        write_file(conf, how.more + "system {\nsocket_path: " + socket(how.name) +
                             "\nstate_dir: " + path(how.name + ".state") + "\n}\n");
        std::vector<std::string> command = how.prefix;
        command.insert(command.end(), {built("bin/coteried"), "-f", "-c", conf});
        command.insert(command.end(), how.arguments.begin(), how.arguments.end());
        return run(how, command);
    }

    /// Runs a command as a daemon is run.
    [[nodiscard]] cli::child_process run(const daemon_start& how, const std::vector<std::string>& command) {
        std::vector<std::string> whole;
        if (!how.shell.empty()) {
            whole = {"/usr/bin/unshare",
                     "--mount",
                     "--propagation",
                     "private",
                     "/bin/sh",
                     "-c",
                     how.shell + " && exec \"$@\"",
                     "sh"};
        }
        whole.insert(whole.end(), command.begin(), command.end());
        auto started = cli::child_process::start({.command = whole,
                                                  .environment = how.environment,
                                                  .output_file = path(how.name + ".said"),
                                                  .piped = false});
        EXPECT_TRUE(started) << started.error();
        return started ? std::move(*started) : cli::child_process{};
    }

    /// Waits until its log has these words.
    [[nodiscard]] testing::AssertionResult says(const std::string& name, const std::string& words,
                                                milliseconds limit = milliseconds(10'000)) const {
        if (eventually([&] { return log(name).find(words) != std::string::npos; }, limit)) {
            return testing::AssertionSuccess();
        }
        return testing::AssertionFailure() << name << " does not say '" << words << "' but:\n" << log(name);
    }

    /// How many lines of its log have these words.
    [[nodiscard]] std::size_t times(const std::string& name, const std::string& words) const {
        const std::string text = log(name);
        std::size_t result = 0;
        for (std::size_t at = text.find(words); at != std::string::npos; at = text.find(words, at + 1)) {
            ++result;
        }
        return result;
    }

private:
    temporary_folder _folder;
};

/// A totem section and a list of nodes at these addresses, with ids from 1 on.
inline std::string nodes_at(const std::vector<std::string>& addresses, int port, const std::string& cluster = "test") {
    std::string text = "totem {\nversion: 2\ncluster_name: " + cluster +
                       "\ninterface {\nmcastport: " + std::to_string(port) + "\n}\n}\nnodelist {\n";
    for (std::size_t i = 0; i < addresses.size(); ++i) {
        text += "node {\nnodeid: " + std::to_string(i + 1) + "\nring0_addr: " + addresses[i] + "\n}\n";
    }
    return text + "}\n";
}

} // namespace coterie::tests

/// Mount namespaces and changing one's user need root.
#define COTERIE_NEEDS_ROOT()                                                                                           \
    do {                                                                                                               \
        if (::geteuid() != 0) {                                                                                        \
            GTEST_SKIP() << "SKIPPED: this needs root";                                                                \
        }                                                                                                              \
    } while (false)
