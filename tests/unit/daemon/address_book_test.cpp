// SPDX-License-Identifier: BSD-3-Clause
// Names that are known at once, late, and never.
#include "daemon/address_book.hpp"

#include <atomic>
#include <condition_variable>
#include <gtest/gtest.h>
#include <mutex>
#include <thread>

namespace coterie::daemon {

namespace {

using std::chrono::milliseconds;

const net::address somewhere = *net::resolve("192.0.2.1", 0);

/// Knows every name but those that begin with "late", which it knows from the third question on, and "never".
struct name_server {
    std::atomic<int> questions_for_late = 0;

    address_book::resolver resolver() {
        return [this](const std::string& name, std::string& fault) -> known_addresses {
            if (name == "never" || (name == "late" && ++questions_for_late < 3)) {
                fault = "unknown";
                return {};
            }
            return {somewhere};
        };
    }
};

} // namespace

TEST(the_address_book, waits_until_every_name_has_been_asked_for) {
    name_server server;
    const address_book book({"one", "two", "never", "one"}, server.resolver(), milliseconds(10'000));
    const auto got = book.wait(milliseconds(10'000));
    ASSERT_EQ(got.size(), 3U);
    EXPECT_EQ(got.at("one").addresses, known_addresses{somewhere});
    EXPECT_TRUE(got.at("never").addresses.empty());
    EXPECT_EQ(got.at("never").fault, "unknown");
}

TEST(the_address_book, does_not_wait_longer_than_it_may) {
    // The resolver outlives the test if it must; it holds nothing of it.
    const address_book book({"stuck", "numbered"}, [](const std::string& name, std::string&) -> known_addresses {
        if (name == "stuck") {
            std::this_thread::sleep_for(milliseconds(1'000));
        }
        return {somewhere};
    });
    const auto before = std::chrono::steady_clock::now();
    const auto got = book.wait(milliseconds(200));
    EXPECT_LT(std::chrono::steady_clock::now() - before, milliseconds(900));
    EXPECT_EQ(got.at("stuck").fault, "no answer yet");
    EXPECT_FALSE(got.at("numbered").addresses.empty()) << "one name does not hold up another";
}

TEST(the_address_book, tells_of_names_that_become_known_later) {
    name_server server;
    address_book book({"late"}, server.resolver(), milliseconds(20));
    EXPECT_TRUE(book.wait(milliseconds(10'000)).at("late").addresses.empty());
    std::mutex mutex;
    std::condition_variable changed;
    std::string told;
    book.listen([&](const std::string& name, const known_addresses&) {
        const std::scoped_lock lock(mutex);
        told = name;
        changed.notify_all();
    });
    std::unique_lock lock(mutex);
    EXPECT_TRUE(changed.wait_for(lock, milliseconds(10'000), [&] { return told == "late"; }));
    lock.unlock();
    book.forget_listener();
}

TEST(the_address_book, knows_what_the_system_knows) {
    const auto resolve = address_book::system_resolver();
    std::string fault;
    EXPECT_EQ(resolve("192.0.2.1", fault), known_addresses{somewhere});
    EXPECT_TRUE(resolve("no.such.host.invalid", fault).empty());
    EXPECT_FALSE(fault.empty());
}

} // namespace coterie::daemon
