// SPDX-License-Identifier: BSD-3-Clause
// Walks over the subcommands. Arguments called GROUP are completed from the groups that there are, modes of a command by their
// names, all others as files.
#include "cli/completion.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fmt/core.h>
#include <vector>

namespace coterie::cli {

namespace {

/// Subcommands that people see.
std::vector<const CLI::App*> commands_of(const CLI::App& app) {
    std::vector<const CLI::App*> result = app.get_subcommands(
        [](const CLI::App* each) { return !each->get_group().empty() && !each->get_name().empty(); });
    return result;
}

struct word {
    std::string text;
    std::string description;
    bool takes_value = false;
};

/// Every spelling of every option, those of its modes included.
std::vector<word> options_of(const CLI::App& command) {
    std::vector<word> result;
    for (const CLI::Option* each : command.get_options()) {
        const bool takes_value =
            each->get_expected_max() > 0 && each->get_items_expected_max() > 0 && each->get_type_size() > 0;
        for (const std::string& name : each->get_lnames()) {
            result.push_back({"--" + name, each->get_description(), takes_value});
        }
        for (const std::string& name : each->get_snames()) {
            result.push_back({"-" + name, each->get_description(), takes_value});
        }
    }
    for (const CLI::App* mode :
         command.get_parent() != nullptr ? commands_of(command) : std::vector<const CLI::App*>{}) {
        for (const word& each : options_of(*mode)) {
            if (std::ranges::none_of(result, [&](const word& known) { return known.text == each.text; })) {
                result.push_back(each);
            }
        }
    }
    return result;
}

/// What a word that is no option is: a group, one of some modes, else a file.
const char* argument_of(const CLI::App& command) {
    if (command.get_option_no_throw("GROUP") != nullptr) {
        return "group";
    }
    return commands_of(command).empty() ? "file" : "mode";
}

std::string joined(const std::vector<word>& words, bool only_with_value = false, const char* between = " ") {
    std::string result;
    for (const word& each : words) {
        if (!only_with_value || each.takes_value) {
            result += (result.empty() ? "" : between) + each.text;
        }
    }
    return result;
}

/// In single quotes of a shell.
std::string quoted(std::string text) {
    for (std::size_t at = 0; (at = text.find('\'', at)) != std::string::npos; at += 4) {
        text.replace(at, 1, "'\\''");
    }
    return "'" + text + "'";
}

/// A colon parts a word from its description.
std::string described(const word& what) {
    std::string text = what.text;
    for (std::size_t at = 0; (at = text.find(':', at)) != std::string::npos; at += 2) {
        text.replace(at, 1, "\\:");
    }
    return quoted(text + ":" + what.description);
}

std::string names_of(const std::vector<const CLI::App*>& commands, const char* between) {
    std::string result;
    for (const CLI::App* each : commands) {
        result += (result.empty() ? "" : between) + each->get_name();
    }
    return result;
}

} // namespace

std::string bash_completion(const CLI::App& app) {
    const auto commands = commands_of(app);
    std::string cases;
    for (const CLI::App* each : commands) {
        const std::vector<word> options = options_of(*each);
        cases += fmt::format("        {})\n            options='{}'\n            valued=' {} '\n            "
                             "argument={}\n            modes='{}'\n            ;;\n",
                             each->get_name(), joined(options), joined(options, true), argument_of(*each),
                             names_of(commands_of(*each), " "));
    }
    return fmt::format(R"sh(# bash completion for coterie; `coterie completion bash` makes this.

_coterie() {{
    local current=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD - 1]}}
    local commands='{}' command='' options='{}' valued=' ' argument=command modes='' i socket=() names=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        if [[ -z $command && " $commands " == *" ${{COMP_WORDS[i]}} "* ]]; then
            command=${{COMP_WORDS[i]}}
        elif [[ ${{COMP_WORDS[i]}} == --socket && -n ${{COMP_WORDS[i + 1]:-}} ]]; then
            socket=(--socket "${{COMP_WORDS[i + 1]}}")
        fi
    done
    case $command in
{}    esac
    COMPREPLY=()
    local IFS=$'\n'
    if [[ $current == -* ]]; then
        COMPREPLY=($(compgen -W "${{options// /$'\n'}}" -- "$current"))
    elif [[ $argument == command ]]; then
        COMPREPLY=($(compgen -W "${{commands// /$'\n'}}" -- "$current"))
    elif [[ $argument == mode && $valued != *" $previous "* ]]; then
        COMPREPLY=($(compgen -W "${{modes// /$'\n'}}" -- "$current"))
    elif [[ $argument == group && $valued != *" $previous "* ]]; then
        # Not by compgen -W, which would run what stands in a name.
        mapfile -t names < <(coterie groups --names "${{socket[@]}}" 2>/dev/null)
        for i in "${{names[@]}}"; do [[ $i == "$current"* ]] && COMPREPLY+=("$i"); done
    else
        COMPREPLY=($(compgen -f -- "$current"))
    fi
}}

complete -o filenames -F _coterie coterie
)sh",
                       names_of(commands, " "), joined(options_of(app)), cases);
}

std::string zsh_completion(const CLI::App& app) {
    std::string list;
    std::string cases;
    for (const CLI::App* each : commands_of(app)) {
        list += fmt::format("    {}\n", described({each->get_name(), each->get_description()}));
        cases += fmt::format("    {})\n        options=(\n", each->get_name());
        for (const word& option : options_of(*each)) {
            cases += fmt::format("            {}\n", described(option));
        }
        cases += "        )\n        modes=(\n";
        for (const CLI::App* mode : commands_of(*each)) {
            cases += fmt::format("            {}\n", described({mode->get_name(), mode->get_description()}));
        }
        cases += fmt::format("        )\n        argument={}\n        ;;\n", argument_of(*each));
    }
    return fmt::format(R"sh(#compdef coterie
# zsh completion for coterie; `coterie completion zsh` makes this.

local -a commands options modes
local argument=file
commands=(
{})
if ((CURRENT == 2)); then
    _describe command commands
    return
fi
case $words[2] in
{}esac
if [[ $words[CURRENT] == -* ]]; then
    _describe option options
elif [[ $argument == group ]]; then
    compadd -- ${{(f)"$(coterie groups --names 2>/dev/null)"}}
elif [[ $argument == mode ]]; then
    _describe mode modes
else
    _files
fi
)sh",
                       list, cases);
}

} // namespace coterie::cli
