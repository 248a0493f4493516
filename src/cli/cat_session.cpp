// SPDX-License-Identifier: BSD-3-Clause
// One thread that waits for the input, the group and signals at once. While a message has no room nothing is read.
#include "cli/cat_session.hpp"

#include "cli/daemon_link.hpp"
#include "cli/printable.hpp"
#include "cli/status_text.hpp"

#include <cerrno>
#include <corosync/cpg.h>
#include <csignal>
#include <cstring>
#include <fmt/core.h>
#include <optional>
#include <poll.h>
#include <span>
#include <sys/signalfd.h>
#include <unistd.h>

namespace coterie::cli {

namespace {

/// How long to wait before a message that had no room is tried again, and for the own departure at the end.
constexpr int retry_ms = 5;
constexpr int leave_ms_max = 2'000;

ipc::status as_status(cs_error_t fault) { return static_cast<ipc::status>(fault); }

const char* reason_text(std::uint32_t reason) {
    switch (reason) {
    case CPG_REASON_JOIN: return "joined";
    case CPG_REASON_NODEUP: return "joined with its node";
    case CPG_REASON_LEAVE: return "left";
    case CPG_REASON_NODEDOWN: return "is gone with its node";
    case CPG_REASON_PROCDOWN: return "has ended";
    default: return "changed";
    }
}

std::string address_text(const cpg_address& who) { return fmt::format("{}/{}", who.nodeid, who.pid); }

/// SIGINT and SIGTERM as a descriptor, for as long as it lives.
class signal_watch {
public:
    signal_watch() {
        sigset_t wanted;
        sigemptyset(&wanted);
        sigaddset(&wanted, SIGINT);
        sigaddset(&wanted, SIGTERM);
        ::pthread_sigmask(SIG_BLOCK, &wanted, &_before);
        _descriptor = ::signalfd(-1, &wanted, SFD_CLOEXEC | SFD_NONBLOCK);
    }
    signal_watch(const signal_watch&) = delete;
    signal_watch& operator=(const signal_watch&) = delete;
    ~signal_watch() {
        ::close(_descriptor);
        ::pthread_sigmask(SIG_SETMASK, &_before, nullptr);
    }
    [[nodiscard]] int descriptor() const { return _descriptor; }
    /// The signal that came.
    [[nodiscard]] std::optional<int> take() const {
        signalfd_siginfo what{};
        const bool came = ::read(_descriptor, &what, sizeof(what)) == sizeof(what);
        return came ? std::optional(static_cast<int>(what.ssi_signo)) : std::nullopt;
    }

private:
    sigset_t _before{};
    int _descriptor = -1;
};

class cat_session {
public:
    explicit cat_session(const cat_options& options) : _options(options), _input_open(!options.listen) {}
    cat_session(const cat_session&) = delete;
    cat_session& operator=(const cat_session&) = delete;
    ~cat_session() {
        if (_handle != 0) {
            cpg_finalize(_handle);
        }
    }

    cs_error_t open() {
        cpg_model_v1_data_t model{};
        model.model = CPG_MODEL_V1;
        model.cpg_deliver_fn = on_message;
        model.cpg_confchg_fn = on_change;
        cs_error_t result =
            cpg_model_initialize(&_handle, CPG_MODEL_V1, reinterpret_cast<cpg_model_data_t*>(&model), this);
        if (result == CS_OK) {
            result = cpg_local_get(_handle, &_node);
        }
        return result;
    }

    cs_error_t join() {
        _group.length = static_cast<std::uint32_t>(std::min(_options.group.size(), sizeof(_group.value)));
        std::memcpy(_group.value, _options.group.data(), _group.length);
        return cpg_join(_handle, &_group);
    }

    std::expected<int, std::string> run() {
        const signal_watch signals;
        int fd = -1;
        cpg_fd_get(_handle, &fd);
        while (!done()) {
            const bool reads = _input_open && _outgoing.empty();
            pollfd watched[] = {{.fd = fd, .events = POLLIN, .revents = 0},
                                {.fd = signals.descriptor(), .events = POLLIN, .revents = 0},
                                {.fd = reads ? _options.input : -1, .events = POLLIN, .revents = 0}};
            ::poll(watched, std::size(watched), _outgoing.empty() ? -1 : retry_ms);
            if (const auto signal = signals.take()) {
                leave(fd);
                return 128 + *signal;
            }
            if (watched[2].revents != 0) {
                read_input();
            }
            if (const cs_error_t fault = send_outgoing(); fault != CS_OK) {
                return std::unexpected(fault_text(fault));
            }
            if (const cs_error_t fault = cpg_dispatch(_handle, CS_DISPATCH_ALL); fault != CS_OK) {
                return std::unexpected(fault_text(fault));
            }
            if (std::fflush(_options.output) != 0 || std::ferror(_options.output) != 0) {
                return std::unexpected("standard output cannot be written to");
            }
        }
        leave(fd);
        return 0;
    }

private:
    bool done() const { return !_options.listen && !_input_open && _outgoing.empty() && _returned == _sent; }

    static std::string fault_text(cs_error_t fault) {
        return fault == CS_ERR_LIBRARY
                   ? std::string("the daemon has gone; what was sent last may not have arrived")
                   : fmt::format("the daemon refuses a message (error {})", static_cast<int>(fault));
    }

    /// Reads once; what makes whole lines is sent next.
    void read_input() {
        char space[65'536];
        const ssize_t count = ::read(_options.input, space, sizeof(space));
        if (count < 0 && (errno == EINTR || errno == EAGAIN)) {
            return;
        }
        if (count <= 0) {
            _input_open = false;
            _outgoing = std::exchange(_partial, {});
            _whole = _outgoing.size();
            return;
        }
        _partial.append(space, static_cast<std::size_t>(count));
        const std::size_t end = _partial.rfind('\n');
        std::size_t whole = end == std::string::npos ? 0 : end + 1;
        if (whole == 0 && _partial.size() >= cat_line_bytes_max) {
            whole = _partial.size();
        }
        _outgoing = _partial.substr(0, whole);
        _partial.erase(0, whole);
        _whole = _outgoing.size();
    }

    /// Sends lines until there is no room.
    cs_error_t send_outgoing() {
        std::size_t at = _outgoing.size() - _whole;
        cs_error_t result = CS_OK;
        while (at < _outgoing.size()) {
            const std::size_t newline = _outgoing.find('\n', at);
            const bool ends = newline != std::string::npos;
            const std::size_t next = std::min(ends ? newline + 1 : _outgoing.size(), at + cat_line_bytes_max);
            const std::size_t end = ends && next == newline + 1 && !_options.raw ? newline : next;
            iovec part{.iov_base = _outgoing.data() + at, .iov_len = end - at};
            result = cpg_mcast_joined(_handle, CPG_TYPE_AGREED, &part, 1);
            if (result != CS_OK) {
                break;
            }
            ++_sent;
            at = next;
        }
        _whole = _outgoing.size() - at;
        if (_whole == 0) {
            _outgoing.clear();
        }
        return result == CS_ERR_TRY_AGAIN ? CS_OK : result;
    }

    /// Leaves and shows what comes until the own departure.
    void leave(int fd) {
        if (cpg_leave(_handle, &_group) != CS_OK) {
            return;
        }
        for (int waited = 0; !_left && waited < leave_ms_max; waited += retry_ms) {
            pollfd watched{.fd = fd, .events = POLLIN, .revents = 0};
            ::poll(&watched, 1, retry_ms);
            if (cpg_dispatch(_handle, CS_DISPATCH_ALL) != CS_OK) {
                break;
            }
        }
        std::fflush(_options.output);
    }

    static cat_session& of(cpg_handle_t handle) {
        void* context = nullptr;
        cpg_context_get(handle, &context);
        return *static_cast<cat_session*>(context);
    }

    bool is_self(std::uint32_t node, std::uint32_t pid) const {
        return node == _node && pid == static_cast<std::uint32_t>(::getpid());
    }

    static void on_message(cpg_handle_t handle, const cpg_name*, std::uint32_t node, std::uint32_t pid, void* body,
                           std::size_t bytes) {
        cat_session& self = of(handle);
        self._returned += self.is_self(node, pid) ? 1U : 0U;
        const std::string_view text(static_cast<const char*>(body), bytes);
        if (self._options.raw) {
            std::fwrite(text.data(), 1, text.size(), self._options.output);
            return;
        }
        const std::string sender = self._options.sender ? fmt::format("{}/{}: ", node, pid) : "";
        fmt::print(self._options.output, "{}{}\n", sender, printable(text));
    }

    static void on_change(cpg_handle_t handle, const cpg_name*, const cpg_address* members, std::size_t member_count,
                          const cpg_address* left, std::size_t left_count, const cpg_address* joined,
                          std::size_t joined_count) {
        cat_session& self = of(handle);
        // What was received before the change stands before it, also where both go to one place.
        std::fflush(self._options.output);
        std::string list;
        for (const cpg_address& each : std::span(members, std::min(member_count, processes_shown_max))) {
            list += (list.empty() ? "" : ", ") + address_text(each);
        }
        if (member_count > processes_shown_max) {
            list += fmt::format(", and {} more", member_count - processes_shown_max);
        }
        const auto tell = [&](const cpg_address& who) {
            fmt::print(self._options.notices, "* {} {}; members: {}\n", address_text(who), reason_text(who.reason),
                       list.empty() ? "none" : list);
        };
        for (const cpg_address& each : std::span(joined, joined_count)) {
            tell(each);
        }
        for (const cpg_address& each : std::span(left, left_count)) {
            tell(each);
            self._left = self._left || self.is_self(each.nodeid, each.pid);
        }
        std::fflush(self._options.notices);
    }

    const cat_options& _options;
    cpg_handle_t _handle = 0;
    cpg_name _group{};
    unsigned _node = 0;
    bool _input_open;
    bool _left = false;
    std::string _partial;        ///< read, and no whole line yet
    std::string _outgoing;       ///< lines to send
    std::size_t _whole = 0;      ///< bytes at the end of `_outgoing` that are not sent yet
    std::uint64_t _sent = 0;     ///< messages
    std::uint64_t _returned = 0; ///< own messages that were delivered
};

} // namespace

std::expected<int, std::string> run_cat(const cat_options& options, const std::string& socket) {
    cat_session session(options);
    if (const cs_error_t fault = session.open(); fault != CS_OK) {
        return std::unexpected(explain(as_status(fault), socket));
    }
    if (const cs_error_t fault = session.join(); fault != CS_OK) {
        return std::unexpected(fault == CS_ERR_INVALID_PARAM
                                   ? std::string("a group's name has 1 to 128 bytes")
                                   : fmt::format("the group cannot be joined (error {})", static_cast<int>(fault)));
    }
    return session.run();
}

} // namespace coterie::cli
