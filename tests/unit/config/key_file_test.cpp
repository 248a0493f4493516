// SPDX-License-Identifier: BSD-3-Clause
// Which key files are taken, what is said of the others, and the steps of a change, whole or interrupted.
#include "config/key_change.hpp"
#include "config/key_file.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

namespace coterie::config {
namespace {

using stage = key_state::stage;
using testing::HasSubstr;

class key_files : public testing::Test {
protected:
    key_files() {
        char name[] = "/tmp/coterie-keys-XXXXXX";
        _folder = ::mkdtemp(name);
    }
    ~key_files() override { std::filesystem::remove_all(_folder); }

    std::string write(const std::string& name, const std::string& content, mode_t mode = 0400) const {
        const std::string file = _folder + "/" + name;
        std::filesystem::remove(file);
        std::ofstream(file) << content;
        ::chmod(file.c_str(), mode);
        return file;
    }
    static std::string fault(const std::string& file) {
        const auto key = read_key_file(file);
        return key ? "" : key.error();
    }
    static settings settings_with(const std::string& file) {
        settings result;
        result.cluster_name = "red";
        result.crypto.secauth = true;
        result.crypto.key_file = file;
        return result;
    }
    static unsigned slot(char filling) {
        const std::string material(200, filling);
        return crypto::cluster_key(std::as_bytes(std::span(material)), "red").slot();
    }
    static key_state state(const std::string& file) {
        const auto found = key_state_of(file, "red");
        EXPECT_TRUE(found) << found.error();
        return found.value_or(key_state{});
    }

    std::string _folder;
};

TEST_F(key_files, have_128_to_4096_bytes) {
    for (const std::size_t size : {128U, 129U, 4'095U, 4'096U}) {
        const auto key = read_key_file(write("k", std::string(size, 'k')));
        ASSERT_TRUE(key) << key.error();
        EXPECT_EQ(key->size(), size);
        EXPECT_TRUE(std::ranges::all_of(key->bytes(), [](std::byte each) { return each == std::byte{'k'}; }));
    }
    EXPECT_THAT(fault(write("k", "")), HasSubstr("/k has 0 bytes; a key has 128 to 4096"));
    EXPECT_THAT(fault(write("k", std::string(127, 'k'))), HasSubstr("has 127 bytes; a key has 128 to 4096"));
    EXPECT_THAT(fault(write("k", std::string(4'097, 'k'))), HasSubstr("has more than 4096 bytes"));
}

TEST_F(key_files, that_others_can_read_or_write_are_refused) {
    for (const mode_t mode : {0404U, 0444U, 0402U, 0401U, 0666U}) {
        EXPECT_THAT(fault(write("k", std::string(200, 'k'), mode)),
                    HasSubstr("can be read or written by others; take that from them: chmod 0400"));
    }
    EXPECT_EQ(fault(write("k", std::string(200, 'k'), 0600)), "");
    EXPECT_EQ(fault(write("k", std::string(200, 'k'), 0440)), "") << "by the daemon's own group";
    EXPECT_THAT(fault(write("k", std::string(200, 'k'), 0460)), HasSubstr("can be written by its group"));
    if (::geteuid() == 0) {
        const std::string file = write("k", std::string(200, 'k'), 0440);
        ASSERT_EQ(::chown(file.c_str(), 0, 12'345), 0);
        EXPECT_THAT(fault(file), HasSubstr("can be read or written by others"));
        ASSERT_EQ(::chown(file.c_str(), 12'345, 0), 0);
        EXPECT_THAT(fault(file), HasSubstr("belongs to user 12345; make it root's"));
    }
}

TEST_F(key_files, that_are_not_there_or_no_files_are_refused) {
    EXPECT_THAT(fault(_folder + "/none"),
                HasSubstr("/none cannot be read: No such file or directory; make one with `coterie keygen`"));
    EXPECT_THAT(fault(_folder), HasSubstr("is not a file"));
    ASSERT_EQ(::mkfifo((_folder + "/pipe").c_str(), 0400), 0);
    EXPECT_THAT(fault(_folder + "/pipe"), HasSubstr("is not a file"));
}

TEST_F(key_files, that_are_made_are_read_by_their_owner_alone) {
    const std::string file = _folder + "/fresh";
    ASSERT_TRUE(make_key_file(file));
    struct ::stat found{};
    ASSERT_EQ(::stat(file.c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 07777U, 0400U);
    EXPECT_EQ(fault(file), "");
    EXPECT_FALSE(make_key_file(file)) << "it is not overwritten";
    ASSERT_TRUE(make_key_file(_folder + "/other"));
    EXPECT_FALSE(std::ranges::equal(read_key_file(file)->bytes(), read_key_file(_folder + "/other")->bytes()));
}

TEST_F(key_files, may_be_two_while_a_key_is_changed) {
    const std::string file = write("k", std::string(200, 'a'));
    EXPECT_FALSE(read_keys(settings_with(file))->other);
    write("k.next", std::string(200, 'b'));
    auto keys = read_keys(settings_with(file));
    ASSERT_TRUE(keys && keys->other);
    EXPECT_EQ(keys->used.slot(), slot('a'));
    EXPECT_EQ(keys->other->slot(), slot('b'));
    write("k.last", std::string(200, 'a'));
    EXPECT_TRUE(read_keys(settings_with(file))->other) << "an interrupted step has left the key twice";
    write("k.last", std::string(200, 'c'));
    EXPECT_THAT(read_keys(settings_with(file)).error(), HasSubstr("and a node accepts two keys"));
    std::filesystem::remove(file + ".last");
    write("k.next", std::string(200, 'b'), 0644);
    EXPECT_THAT(read_keys(settings_with(file)).error(), HasSubstr("k.next can be read or written by others"));
}

TEST_F(key_files, hold_the_key_that_a_configuration_does_not_have_itself) {
    settings with = settings_with(write("k", std::string(200, 'a')));
    with.crypto.key = std::string(200, 'b');
    with.file = write("conf", "", 0600);
    EXPECT_EQ(read_keys(with)->used.slot(), slot('b'));
    with.file = write("conf", "", 0644);
    EXPECT_THAT(read_keys(with).error(),
                HasSubstr("/conf holds a key (totem.key) and can be read or written by others"));
}

TEST_F(key_files, change_step_by_step_and_back) {
    const std::string file = write("k", std::string(200, 'a'));
    EXPECT_EQ(state(file).at, stage::settled);
    ASSERT_TRUE(prepare_next_key(file, "red"));
    EXPECT_EQ(state(file).at, stage::prepared);
    EXPECT_EQ(state(file).used, slot('a'));
    const unsigned fresh = state(file).other;
    EXPECT_NE(fresh, slot('a'));
    EXPECT_FALSE(prepare_next_key(file, "red")) << "there is one";
    ASSERT_TRUE(switch_to_next_key(file));
    EXPECT_EQ(state(file).at, stage::switched);
    EXPECT_EQ(state(file).used, fresh);
    EXPECT_EQ(state(file).other, slot('a'));
    ASSERT_TRUE(undo_key_change(file, stage::switched));
    EXPECT_EQ(state(file).at, stage::prepared);
    EXPECT_EQ(state(file).used, slot('a'));
    EXPECT_EQ(state(file).other, fresh);
    ASSERT_TRUE(switch_to_next_key(file));
    ASSERT_TRUE(forget_last_key(file));
    EXPECT_EQ(state(file).at, stage::settled);
    EXPECT_EQ(state(file).used, fresh);
    ASSERT_TRUE(prepare_next_key(file, "red"));
    ASSERT_TRUE(undo_key_change(file, stage::prepared));
    EXPECT_EQ(state(file).at, stage::settled);
    EXPECT_EQ(state(file).used, fresh);
}

TEST_F(key_files, are_whole_wherever_a_step_is_interrupted) {
    const std::string file = write("k", std::string(200, 'a'));
    write("k.next", std::string(200, 'b'));
    // Switching over, after its first half.
    ASSERT_EQ(::link(file.c_str(), (file + ".last").c_str()), 0);
    EXPECT_EQ(state(file).at, stage::prepared);
    EXPECT_TRUE(read_keys(settings_with(file)));
    ASSERT_TRUE(switch_to_next_key(file));
    EXPECT_EQ(state(file).at, stage::switched);
    EXPECT_EQ(state(file).used, slot('b'));
    // And back, after its first half.
    ASSERT_EQ(::link(file.c_str(), (file + ".next").c_str()), 0);
    EXPECT_EQ(state(file).at, stage::switched);
    EXPECT_TRUE(read_keys(settings_with(file)));
    ASSERT_TRUE(undo_key_change(file, stage::switched));
    EXPECT_EQ(state(file).at, stage::prepared);
    EXPECT_EQ(state(file).used, slot('a'));
}

} // namespace
} // namespace coterie::config
