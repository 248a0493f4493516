// SPDX-License-Identifier: BSD-3-Clause
// The store is a file of one line. It is replaced, never changed: a new file is written and synced, renamed over the old
// one, and the folder synced, so that after a loss of power one of the two is there whole.
#include "daemon/epoch_store.hpp"

#include "daemon/epoch_line.hpp"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sys/file.h>
#include <unistd.h>
#include <utility>

namespace coterie::daemon {

namespace {

constexpr auto pause_after_failure = std::chrono::seconds(1);

std::string fault_of(const std::string& what) { return what + ": " + std::strerror(errno); }

/// A descriptor that is closed at the end of its scope.
class open_file {
public:
    open_file(const std::string& path, int flags) : _number(::open(path.c_str(), flags | O_CLOEXEC, 0600)) {}
    ~open_file() {
        if (_number >= 0) {
            ::close(_number);
        }
    }
    open_file(const open_file&) = delete;
    open_file& operator=(const open_file&) = delete;
    explicit operator bool() const { return _number >= 0; }
    [[nodiscard]] int number() const { return _number; }

private:
    int _number;
};

} // namespace

std::expected<std::unique_ptr<epoch_store>, std::string> epoch_store::open(const std::string& folder) {
    std::error_code fault;
    std::filesystem::create_directories(folder, fault);
    if (fault) {
        return std::unexpected("state_dir " + folder + " cannot be made: " + fault.message());
    }
    const std::string lock_path = folder + "/lock";
    const int lock = ::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock < 0) {
        return std::unexpected(fault_of("state_dir " + folder + " cannot be written to"));
    }
    if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
        ::close(lock);
        return std::unexpected("state_dir " + folder + " is in use by another daemon; give each its own");
    }
    std::unique_ptr<epoch_store> result(new epoch_store(folder, lock));
    if (const auto room = result->try_out(); !room) {
        return std::unexpected("state_dir " + folder + " cannot be written to: " + room.error());
    }
    return result;
}

epoch_store::~epoch_store() {
    {
        const std::scoped_lock lock(_mutex);
        _stopping = true;
    }
    _changed.notify_all();
    if (_thread.joinable()) {
        _thread.join();
    }
    ::close(_lock);
}

epoch_store::found epoch_store::read() const {
    std::ifstream in(_folder + "/epoch");
    if (!in) {
        return {};
    }
    // What is longer is none.
    std::string text(epoch_line_bytes_max + 1, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<std::size_t>(in.gcount()));
    if (const auto epoch = epoch_of(text)) {
        return {.epoch = *epoch, .fault = {}};
    }
    return {.epoch = {}, .fault = _folder + "/epoch is damaged; going on from the clock"};
}

void epoch_store::start(std::function<void(base::epoch_number)> stored, std::function<void(std::string)> failed) {
    _stored = std::move(stored);
    _failed = std::move(failed);
    _thread = std::thread([this] { run(); });
}

void epoch_store::store(base::epoch_number epoch) {
    {
        const std::scoped_lock lock(_mutex);
        _wanted = epoch;
    }
    _changed.notify_all();
}

void epoch_store::run() {
    std::string told;
    std::unique_lock lock(_mutex);
    while (true) {
        _changed.wait(lock, [&] { return _stopping || _wanted; });
        if (_stopping) {
            return;
        }
        const base::epoch_number epoch = *_wanted;
        _wanted.reset();
        lock.unlock();
        const auto written = write(epoch);
        if (written) {
            told.clear();
            _stored(epoch);
        } else if (std::exchange(told, written.error()) != written.error()) {
            // The same fault again is no news.
            _failed(written.error());
        }
        lock.lock();
        if (!written) {
            // What was asked for meanwhile supersedes this.
            _wanted = _wanted.value_or(epoch);
            _changed.wait_for(lock, pause_after_failure, [&] { return _stopping; });
        }
    }
}

std::expected<void, std::string> epoch_store::try_out() const {
    // A full disk takes an empty file; it has to be one with something in it, as long as an epoch's line ever is.
    const std::string place = _folder + "/epoch.new";
    const std::string longest(epoch_line_bytes_max, ' ');
    const open_file file(place, O_WRONLY | O_CREAT | O_TRUNC);
    if (!file || ::write(file.number(), longest.data(), longest.size()) != static_cast<ssize_t>(longest.size()) ||
        ::fsync(file.number()) != 0) {
        const std::string fault = std::strerror(errno);
        ::unlink(place.c_str());
        return std::unexpected(fault);
    }
    ::unlink(place.c_str());
    return {};
}

std::expected<void, std::string> epoch_store::write(base::epoch_number epoch) const {
    const std::string fresh = _folder + "/epoch.new";
    const std::string place = _folder + "/epoch";
    const std::string line = line_of(epoch);
    {
        const open_file file(fresh, O_WRONLY | O_CREAT | O_TRUNC);
        if (!file || ::write(file.number(), line.data(), line.size()) != static_cast<ssize_t>(line.size()) ||
            ::fsync(file.number()) != 0) {
            return std::unexpected(fault_of(fresh + " cannot be written"));
        }
    }
    const open_file folder(_folder, O_RDONLY | O_DIRECTORY);
    if (::rename(fresh.c_str(), place.c_str()) != 0 || !folder || ::fsync(folder.number()) != 0) {
        return std::unexpected(fault_of(place + " cannot be replaced"));
    }
    return {};
}

} // namespace coterie::daemon
