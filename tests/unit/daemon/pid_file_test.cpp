// SPDX-License-Identifier: BSD-3-Clause
// A file that belongs to one daemon at a time, and to nobody after a crash.
#include "daemon/pid_file.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <unistd.h>

namespace coterie::daemon {

namespace {

class pid_file_test : public testing::Test {
protected:
    pid_file_test() {
        _folder = (std::filesystem::temp_directory_path() / "coterie-pid-XXXXXX").string();
        EXPECT_NE(::mkdtemp(_folder.data()), nullptr);
    }
    ~pid_file_test() override { std::filesystem::remove_all(_folder); }

    [[nodiscard]] std::string path() const { return _folder + "/run/pid"; }
    [[nodiscard]] std::string content() const {
        std::ifstream in(path());
        std::string line;
        std::getline(in, line);
        return line;
    }

private:
    std::string _folder;
};

} // namespace

TEST_F(pid_file_test, says_who_has_it_and_goes_at_the_end) {
    {
        const auto mine = pid_file::take(path());
        ASSERT_TRUE(mine) << mine.error();
        EXPECT_EQ(content(), std::to_string(::getpid()));
    }
    EXPECT_FALSE(std::filesystem::exists(path()));
}

TEST_F(pid_file_test, is_refused_while_its_daemon_runs) {
    const auto mine = pid_file::take(path());
    const auto other = pid_file::take(path());
    ASSERT_FALSE(other);
    EXPECT_NE(other.error().find("process " + std::to_string(::getpid())), std::string::npos) << other.error();
    EXPECT_EQ(content(), std::to_string(::getpid())) << "the loser leaves it as it is";
}

TEST_F(pid_file_test, of_a_crashed_daemon_is_replaced) {
    std::filesystem::create_directories(std::filesystem::path(path()).parent_path());
    std::ofstream(path()) << "4194304 and more than a number\n";
    const auto mine = pid_file::take(path());
    ASSERT_TRUE(mine) << mine.error();
    EXPECT_EQ(content(), std::to_string(::getpid()));
}

TEST_F(pid_file_test, is_not_written_through_a_link) {
    std::filesystem::create_directories(std::filesystem::path(path()).parent_path());
    std::filesystem::create_symlink("/dev/null", path());
    EXPECT_FALSE(pid_file::take(path()));
}

} // namespace coterie::daemon
