// SPDX-License-Identifier: BSD-3-Clause
// The command line by getopt_long(3).
#include "daemon/options.hpp"

#include <charconv>
#include <cstring>
#include <getopt.h>

namespace coterie::daemon {

namespace {

constexpr int node_option = 256;

std::optional<base::node_id> node_of(const char* text) {
    std::uint32_t value = 0;
    const char* const end = text + std::strlen(text);
    const auto [at, fault] = std::from_chars(text, end, value);
    if (fault != std::errc{} || at != end || value == 0) {
        return std::nullopt;
    }
    return base::node_id{value};
}

} // namespace

std::expected<options, std::string> parse_options(int count, char** words) {
    static const option known[] = {
        {"foreground", no_argument, nullptr, 'f'},
        {"config", required_argument, nullptr, 'c'},
        {"test", no_argument, nullptr, 't'},
        {"version", no_argument, nullptr, 'v'},
        {"help", no_argument, nullptr, 'h'},
        {"pid-file", required_argument, nullptr, 'l'},
        {"node", required_argument, nullptr, node_option},
        {nullptr, 0, nullptr, 0},
    };
    options result;
    opterr = 0;
    for (int found = 0; (found = ::getopt_long(count, words, ":fc:l:tvh", known, nullptr)) != -1;) {
        switch (found) {
        case 'f': result.foreground = true; break;
        case 'c': result.config_file = optarg; break;
        case 'l':
            if (optarg[0] != '/') {
                return std::unexpected("--pid-file takes a full path, one that begins with /, not '" +
                                       std::string(optarg) + "'");
            }
            result.pid_file = optarg;
            break;
        case 't': result.test_only = true; break;
        case 'v': result.show_version = true; break;
        case 'h': result.show_help = true; break;
        case node_option:
            result.node = node_of(optarg);
            if (!result.node) {
                return std::unexpected("--node takes a node's id, a number from 1 on, not '" + std::string(optarg) +
                                       "'");
            }
            break;
        case ':': return std::unexpected(std::string(words[optind - 1]) + " needs a value; see coteried -h");
        default: return std::unexpected("unknown option " + std::string(words[optind - 1]) + "; see coteried -h");
        }
    }
    if (optind < count) {
        return std::unexpected("unexpected argument '" + std::string(words[optind]) + "'; see coteried -h");
    }
    return result;
}

std::string usage() {
    return "Usage: coteried [-f] [-c FILE] [-l FILE] [--node ID] | -t [-c FILE] | -v | -h\n"
           "\n"
           "The daemon of closed process groups: one on every machine.\n"
           "\n"
           "  -f, --foreground     stay in the foreground\n"
           "  -c, --config FILE    the configuration, in the syntax of corosync.conf; else\n"
           "                       /etc/coterie/coterie.conf, else /etc/corosync/corosync.conf\n"
           "  -l, --pid-file FILE  where the process id stands while the daemon runs\n"
           "      --node ID        the local node's id, when it cannot be told from names and addresses\n"
           "  -t, --test           test the configuration, say all that is wrong with it, and stop\n"
           "  -v, --version        print the version\n"
           "  -h, --help           print this\n"
           "\n"
           "SIGTERM and SIGINT leave the cluster in order, a second one hurries; SIGHUP opens the\n"
           "log files anew.\n";
}

} // namespace coterie::daemon
