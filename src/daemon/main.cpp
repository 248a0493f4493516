// SPDX-License-Identifier: BSD-3-Clause
// coteried: reads its options and configuration, prepares the node, runs it. Whatever keeps it from serving is one line on
// standard error and exit status 1.
#include "base/assert.hpp"
#include "crypto/protected_memory.hpp"
#include "daemon/background.hpp"
#include "daemon/log.hpp"
#include "daemon/pid_file.hpp"
#include "daemon/privileges.hpp"
#include "daemon/startup.hpp"

#include <cstdio>
#include <memory>
#include <spdlog/spdlog.h>

namespace {

using namespace coterie;

int fail(const std::string& line) {
    std::fprintf(stderr, "coteried: %s\n", line.c_str());
    return 1;
}

/// Prints all that is wrong and all that is doubtful.
void print(const config::loaded& configuration) {
    for (const config::diagnostic& each : configuration.diagnostics) {
        const bool error = each.how == config::diagnostic::weight::error;
        std::fprintf(stderr, "coteried: %s%s\n", error ? "" : "warning: ", each.message().c_str());
    }
}

int test(const config::loaded& configuration, const std::string& shown) {
    print(configuration);
    if (!configuration.ok()) {
        return 1;
    }
    if (const auto sealing = daemon::prepare_encryption(configuration.what); !sealing) {
        return fail(sealing.error());
    }
    std::printf("%s is in order\n", shown.c_str());
    return 0;
}

/// What keeps the daemon from serving goes to whoever started it, and to the log if that goes elsewhere.
int fail_logged(const std::string& line, const config::settings& settings, const daemon::options& wanted) {
    if (settings.log.to_stderr && wanted.foreground) {
        return fail(line);
    }
    spdlog::critical("{}", line);
    return fail(line);
}

/// The addresses at which it listens, by link.
std::string place_of(const std::optional<net::transport_settings>& network) {
    if (!network) {
        return "no network";
    }
    std::string result;
    for (const net::local_link& each : network->links) {
        result += (result.empty() ? "" : " and ") + each.where.text();
    }
    return result;
}

int serve(const config::settings& settings, const daemon::options& wanted, daemon::background& background) {
    const auto failed = [&](const std::string& line) { return fail_logged(line, settings, wanted); };
    if (settings.file.empty()) {
        spdlog::info("there is neither {}: running as a single node on no network", daemon::usual_places());
    }
    std::unique_ptr<daemon::pid_file> pid_file;
    if (const auto path = wanted.pid_file ? wanted.pid_file : settings.pid_file) {
        auto taken = daemon::pid_file::take(*path);
        if (!taken) {
            return failed(taken.error());
        }
        pid_file = std::move(*taken);
    }
    const std::string socket_path = daemon::socket_path_of(settings);
    auto parts = daemon::prepare(settings, wanted);
    if (!parts) {
        return failed(parts.error());
    }
    const base::node_id self = parts->ring.self.node;
    const std::string place = place_of(parts->net);
    std::optional<daemon::encryption_line> protection;
    if (parts->net) {
        protection = daemon::tell_encryption(settings, parts->sealing);
    }
    daemon::engine_loop loop(std::move(*parts));
    if (const auto opened = loop.open(socket_path); !opened) {
        return failed(opened.error());
    }
    daemon::lock_memory();
    daemon::schedule_engine(settings.schedule);
    spdlog::info("coteried {} is node {} at {}, clients at {}", COTERIE_VERSION, self.value, place, socket_path);
    if (protection) {
        spdlog::log(protection->warns ? spdlog::level::warn : spdlog::level::info, "{}", protection->text);
    }
    background.ready();
    if (const auto outcome = loop.run(); !outcome) {
        return failed(outcome.error());
    }
    return 0;
}

} // namespace

int main(int count, char** words) {
    COTERIE_ASSERT(crypto::protect_openssl(), "nothing uses OpenSSL before its memory is protected");
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
    const std::string shown = configuration.what.file.empty() ? "the built-in configuration" : configuration.what.file;
    if (wanted->test_only) {
        return test(configuration, shown);
    }
    if (!configuration.ok()) {
        print(configuration);
        return 1;
    }

    daemon::prepare_process();
    daemon::background background;
    if (!wanted->foreground) {
        switch (background.enter()) {
        case daemon::background::side::parent_done: return background.exit_status();
        case daemon::background::side::failed: return fail("cannot go into the background; start with -f");
        case daemon::background::side::child: break;
        }
    }
    if (!wanted->foreground) {
        // Nobody may be reading the log yet.
        print(configuration);
    }
    if (const auto log = daemon::open_log(configuration.what.log, wanted->foreground); !log) {
        return fail(log.error());
    }
    for (const config::diagnostic& each : configuration.diagnostics) {
        spdlog::warn("{}", each.message());
    }
    // The log is written to the end whatever serve() comes to.
    const int status = serve(configuration.what, *wanted, background);
    daemon::close_log();
    return status;
}
