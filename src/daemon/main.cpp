// SPDX-License-Identifier: BSD-3-Clause
// coteried: reads its options and configuration, prepares the node, runs it. Whatever keeps it from serving is one line on
// standard error and exit status 1.
#include "daemon/background.hpp"
#include "daemon/log.hpp"
#include "daemon/startup.hpp"

#include <csignal>
#include <cstdio>
#include <spdlog/spdlog.h>
#include <sys/resource.h>

namespace {

using namespace coterie;

int fail(const std::string& line) {
    std::fprintf(stderr, "coteried: %s\n", line.c_str());
    return 1;
}

/// Prints what is wrong and what is doubtful.
void print(const config::loaded& configuration) {
    for (const config::diagnostic& each : configuration.diagnostics) {
        const bool error = each.how == config::diagnostic::weight::error;
        std::fprintf(stderr, "coteried: %s%s\n", error ? "" : "warning: ", each.message().c_str());
    }
}

/// Every client takes descriptors; and writing to a terminal that is gone is no reason to end.
void prepare_process() {
    rlimit files{};
    if (::getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        ::setrlimit(RLIMIT_NOFILE, &files);
    }
    std::signal(SIGPIPE, SIG_IGN);
}

int serve(const config::settings& settings, const daemon::options& wanted, daemon::background& background) {
    const std::string socket_path = daemon::socket_path_of(settings);
    auto parts = daemon::prepare(settings, wanted);
    if (!parts) {
        return fail(parts.error());
    }
    const base::node_id self = parts->ring.self.node;
    const std::string place = parts->net ? parts->net->local.text() : "no network";
    daemon::engine_loop loop(std::move(*parts));
    if (const auto opened = loop.open(socket_path); !opened) {
        return fail(opened.error());
    }
    spdlog::info("coteried {} is node {} at {}, clients at {}", COTERIE_VERSION, self.value, place, socket_path);
    background.ready();
    loop.run();
    return 0;
}

} // namespace

int main(int count, char** words) {
    const auto wanted = daemon::parse_options(count, words);
    if (!wanted) {
        return fail(wanted.error());
    }
    if (wanted->show_help) {
        std::fputs(daemon::usage().c_str(), stdout);
        return 0;
    }
    if (wanted->show_version) {
        std::printf("coteried %s\n", COTERIE_VERSION);
        return 0;
    }
    const config::loaded configuration = daemon::load_configuration(*wanted);
    print(configuration);
    if (!configuration.ok()) {
        return 1;
    }
    const std::string shown = configuration.what.file.empty() ? "the built-in configuration" : configuration.what.file;
    if (wanted->test_only) {
        std::printf("%s is in order\n", shown.c_str());
        return 0;
    }

    prepare_process();
    daemon::background background;
    if (!wanted->foreground) {
        switch (background.enter()) {
        case daemon::background::side::parent_done: return background.exit_status();
        case daemon::background::side::failed: return fail("cannot go into the background; start with -f");
        case daemon::background::side::child: break;
        }
    }
    if (const auto log = daemon::open_log(configuration.what, wanted->foreground); !log) {
        return fail(log.error());
    }
    const int status = serve(configuration.what, *wanted, background);
    daemon::close_log();
    return status;
}
