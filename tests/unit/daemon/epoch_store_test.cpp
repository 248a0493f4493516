// SPDX-License-Identifier: BSD-3-Clause
// What must outlive a node: that it does, and that nothing which happens to its file makes the node believe a lower epoch.
#include "daemon/epoch_store.hpp"

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <memory>
#include <sys/resource.h>
#include <vector>

namespace coterie::daemon {

namespace {

class epochs_on_disk : public testing::Test {
protected:
    epochs_on_disk() {
        std::string pattern = (std::filesystem::temp_directory_path() / "coterie-epochs-XXXXXX").string();
        folder = ::mkdtemp(pattern.data());
    }
    ~epochs_on_disk() override {
        _store.reset();
        std::filesystem::remove_all(folder);
    }

    epoch_store& open() {
        _store.reset();
        auto opened = epoch_store::open(folder);
        EXPECT_TRUE(opened) << (opened ? "" : opened.error());
        _store = std::move(*opened);
        return *_store;
    }

    /// Stores an epoch and waits until that is done.
    void store(std::uint64_t epoch) {
        epoch_store& to = open();
        to.start([this](base::epoch_number one) { note([&] { _stored = one.value; }); },
                 [](const std::string& fault) { ADD_FAILURE() << fault; });
        to.store({epoch});
        wait([&] { return _stored == epoch; });
    }

    void note(const std::function<void()>& what) {
        const std::scoped_lock lock(_mutex);
        what();
        _changed.notify_all();
    }
    void wait(const std::function<bool()>& what) {
        std::unique_lock lock(_mutex);
        EXPECT_TRUE(_changed.wait_for(lock, std::chrono::seconds(20), what));
    }
    std::string content() const {
        std::ifstream in(file());
        return {std::istreambuf_iterator<char>(in), {}};
    }
    void replace(const std::string& text) const { std::ofstream(file(), std::ios::trunc) << text; }
    [[nodiscard]] std::string file() const { return folder + "/epoch"; }

    std::string folder;
    std::uint64_t latest = 0;
    std::vector<std::string> told;

private:
    std::mutex _mutex;
    std::condition_variable _changed;
    std::uint64_t _stored = 0;
    std::unique_ptr<epoch_store> _store; ///< its thread ends first
};

} // namespace

TEST_F(epochs_on_disk, are_none_at_first) {
    const auto found = open().read();
    EXPECT_EQ(found.epoch.value, 0U);
    EXPECT_EQ(found.fault, "");
}

TEST_F(epochs_on_disk, outlive_the_process) {
    store(1'795'000'000'000'123);
    EXPECT_EQ(open().read().epoch.value, 1'795'000'000'000'123U);
    store(~std::uint64_t{0});
    EXPECT_EQ(open().read().epoch.value, ~std::uint64_t{0});
    EXPECT_EQ(open().read().fault, "");
}

/// A file that was cut short in the middle of the number was taken for a lower one.
TEST_F(epochs_on_disk, are_not_believed_when_the_file_is_torn) {
    store(1'795'000'000'000'123);
    const std::string whole = content();
    const epoch_store& reopened = open();
    for (std::size_t bytes = 0; bytes < whole.size(); ++bytes) {
        replace(whole.substr(0, bytes));
        const auto found = reopened.read();
        EXPECT_EQ(found.epoch.value, 0U) << bytes;
        EXPECT_EQ(found.fault, file() + " is damaged; going on from the clock") << bytes;
    }
}

TEST_F(epochs_on_disk, are_not_believed_when_a_byte_is_another) {
    store(1'795'000'000'000'123);
    const std::string whole = content();
    const epoch_store& reopened = open();
    for (std::size_t place = 0; place < whole.size(); ++place) {
        for (const char other : {'0', '9', ' ', '\n', '\0', 'x', '-'}) {
            if (whole[place] == other) {
                continue;
            }
            std::string altered = whole;
            altered[place] = other;
            replace(altered);
            EXPECT_EQ(reopened.read().epoch.value, 0U) << altered;
            EXPECT_NE(reopened.read().fault, "") << altered;
        }
    }
    for (const std::string& text :
         {whole + "x", whole + whole, std::string(100'000, '7'), std::string("coterie epoch 1: 5\n")}) {
        replace(text);
        EXPECT_NE(reopened.read().fault, "") << text.substr(0, 60);
    }
}

TEST_F(epochs_on_disk, belong_to_one_daemon) {
    const epoch_store& first = open();
    const auto second = epoch_store::open(folder);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error(), "state_dir " + folder + " is in use by another daemon; give each its own");
    EXPECT_EQ(first.read().fault, "");
}

TEST_F(epochs_on_disk, need_a_folder) {
    replace("a file");
    const auto in_a_file = epoch_store::open(file());
    ASSERT_FALSE(in_a_file);
    EXPECT_NE(in_a_file.error().find("state_dir " + file()), std::string::npos) << in_a_file.error();
}

TEST_F(epochs_on_disk, are_tried_again_until_there_is_room) {
    store(7);
    // Nothing can be written for now, as on a full disk.
    std::signal(SIGXFSZ, SIG_IGN);
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
    epoch_store& to = open();
    to.start([this](base::epoch_number one) { note([&] { latest = one.value; }); },
             [this](const std::string& fault) { note([&] { told.push_back(fault); }); });
    rlimit none = before;
    none.rlim_cur = 5;
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &none), 0);
    to.store({8});
    wait([&] { return !told.empty(); });
    to.store({9});
    note([&] { EXPECT_EQ(latest, 0U); });
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
    wait([&] { return latest == 9; });
    EXPECT_EQ(told.size(), 1U) << "the same fault is told once";
    EXPECT_NE(told.front().find(file() + ".new cannot be written"), std::string::npos) << told.front();
    EXPECT_EQ(open().read().epoch.value, 9U);
}

} // namespace coterie::daemon
