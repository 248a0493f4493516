// SPDX-License-Identifier: BSD-3-Clause
// Members in processes of their own beside this one. One process may be in a group once only, so threads would not do.
#include "bench/member.hpp"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace coterie::bench {

namespace {

/// The processes that this one has started; they end with it.
class companions {
public:
    companions() = default;
    companions(const companions&) = delete;
    companions& operator=(const companions&) = delete;
    ~companions() {
        for (const pid_t each : _pids) {
            ::kill(each, SIGKILL);
            ::waitpid(each, nullptr, 0);
        }
    }

    std::expected<void, std::string> start(const member_options& asked) {
        const pid_t child = ::fork();
        if (child < 0) {
            return std::unexpected(std::string("cannot start another process: ") + std::strerror(errno));
        }
        if (child == 0) {
            ::prctl(PR_SET_PDEATHSIG, SIGKILL);
            const auto report = take_part(asked);
            if (!report) {
                std::fprintf(stderr, "coterie: client %d: %s\n", static_cast<int>(::getpid()), report.error().c_str());
            }
            std::_Exit(report ? 0 : 1);
        }
        _pids.push_back(child);
        return {};
    }

    /// Until all have ended; how many of them badly.
    std::size_t wait() {
        std::size_t failed = 0;
        while (!_pids.empty()) {
            int status = 0;
            ::waitpid(_pids.back(), &status, 0);
            failed += status != 0 ? 1U : 0U;
            _pids.pop_back();
        }
        return failed;
    }

private:
    std::vector<pid_t> _pids;
};

} // namespace

std::expected<member_report, std::string> take_part_together(const member_options& asked, std::size_t clients) {
    companions others;
    for (std::size_t number = 2; number <= clients; ++number) {
        member_options theirs = asked;
        if (number > asked.senders) {
            theirs.how = pace::silent;
        }
        if (auto started = others.start(theirs); !started) {
            return std::unexpected(started.error());
        }
    }
    auto report = take_part(asked);
    if (report && others.wait() > 0) {
        return std::unexpected("another client has failed, see above");
    }
    return report;
}

} // namespace coterie::bench
