// SPDX-License-Identifier: BSD-3-Clause
// Every subcommand and every option is completed: bash itself is asked.
#include "cli/command_line.hpp"
#include "cli/completion.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

namespace coterie::cli {

namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::UnorderedElementsAre;
using strings = std::vector<std::string>;

class completion : public testing::Test {
protected:
    completion() {
        declare_commands(_app);
        std::string pattern = (std::filesystem::temp_directory_path() / "coterie-completion-XXXXXX").string();
        _folder = ::mkdtemp(pattern.data());
        write("script", bash_completion(_app));
        // What the script asks for groups.
        write("coterie",
              "#!/bin/sh\n[ \"$1 $2\" = 'groups --names' ] && printf '%s\\n' apples apricots '$(touch x)' pears\n");
        ::chmod((_folder + "/coterie").c_str(), 0755);
    }
    ~completion() override { std::filesystem::remove_all(_folder); }

    void write(const std::string& name, const std::string& text) { std::ofstream(_folder + "/" + name) << text; }

    /// What bash offers for the last of these words.
    strings offered(const strings& words) {
        std::string list;
        for (const std::string& each : words) {
            list += " '" + each + "'";
        }
        write("ask", "cd " + _folder + "\nPATH=" + _folder + ":$PATH\nsource script\nCOMP_WORDS=(" + list +
                         ")\nCOMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n_coterie\nprintf '%s\\n' \"${COMPREPLY[@]}\"\n");
        std::FILE* const out = ::popen(("bash " + _folder + "/ask 2>&1").c_str(), "r");
        strings result;
        std::array<char, 4'096> line{};
        while (std::fgets(line.data(), line.size(), out) != nullptr) {
            result.emplace_back(line.data());
            result.back().pop_back();
        }
        EXPECT_EQ(::pclose(out), 0);
        return result;
    }

    static strings options_of(const CLI::App& command) {
        strings result;
        for (const CLI::Option* each : command.get_options()) {
            for (const std::string& name : each->get_lnames()) {
                result.push_back("--" + name);
            }
            for (const std::string& name : each->get_snames()) {
                result.push_back("-" + name);
            }
        }
        // A command offers the options of all its modes, each once.
        for (const CLI::App* mode : command.get_subcommands({})) {
            for (const std::string& name : options_of(*mode)) {
                if (std::find(result.begin(), result.end(), name) == result.end()) {
                    result.push_back(name);
                }
            }
        }
        return result;
    }

    strings commands() {
        strings result;
        for (const CLI::App* each : _app.get_subcommands({})) {
            if (!each->get_group().empty()) {
                result.push_back(each->get_name());
            }
        }
        return result;
    }

    CLI::App _app{"", "coterie"};
    std::string _folder;
};

TEST_F(completion, offers_every_subcommand) {
    EXPECT_THAT(commands(), Contains("status"));
    EXPECT_THAT(offered({"coterie", ""}), testing::UnorderedElementsAreArray(commands()));
    EXPECT_THAT(offered({"coterie", "sta"}), UnorderedElementsAre("status"));
}

TEST_F(completion, offers_every_option_of_every_subcommand) {
    for (const std::string& name : commands()) {
        EXPECT_THAT(offered({"coterie", name, "-"}),
                    testing::UnorderedElementsAreArray(options_of(*_app.get_subcommand(name))))
            << name;
    }
}

TEST_F(completion, offers_the_groups_that_there_are) {
    EXPECT_THAT(offered({"coterie", "cat", "ap"}), UnorderedElementsAre("apples", "apricots"));
    EXPECT_THAT(offered({"coterie", "groups", "--json", "p"}), UnorderedElementsAre("pears"));
}

TEST_F(completion, does_not_run_what_stands_in_the_name_of_a_group) {
    EXPECT_THAT(offered({"coterie", "cat", "$"}), UnorderedElementsAre("$(touch x)"));
    EXPECT_FALSE(std::filesystem::exists(_folder + "/x"));
}

TEST_F(completion, offers_the_modes_of_a_command_that_has_some) {
    EXPECT_THAT(offered({"coterie", "bench", "fl"}), UnorderedElementsAre("flood"));
    EXPECT_THAT(offered({"coterie", "bench", "--seconds", ""}), testing::Not(Contains("flood")));
    EXPECT_THAT(zsh_completion(_app), HasSubstr("'flood:Messages a second"));
}

TEST_F(completion, offers_files_where_a_path_belongs) {
    EXPECT_THAT(offered({"coterie", "status", "--socket", "scr"}), UnorderedElementsAre("script"));
    EXPECT_THAT(offered({"coterie", "check", "scr"}), UnorderedElementsAre("script"));
}

TEST_F(completion, for_zsh_has_every_subcommand_and_option) {
    const std::string script = zsh_completion(_app);
    for (const std::string& name : commands()) {
        EXPECT_THAT(script, HasSubstr("    '" + name + ":")) << name;
        for (const std::string& option : options_of(*_app.get_subcommand(name))) {
            EXPECT_THAT(script, HasSubstr("'" + option + ":")) << name;
        }
    }
}

} // namespace

} // namespace coterie::cli
