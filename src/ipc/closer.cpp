// SPDX-License-Identifier: BSD-3-Clause
// Threads are started when there is more to close than there are idle ones, and never joined: one may be stuck for good.
#include "ipc/closer.hpp"

#include <condition_variable>
#include <csignal>
#include <deque>
#include <mutex>
#include <system_error>
#include <thread>

namespace coterie::ipc {

namespace {
constexpr std::size_t threads_max = 8;
} // namespace

struct closer::shared {
    std::mutex mutex;
    std::condition_variable news;
    std::deque<descriptor> waiting;
    std::size_t threads = 0;
    std::size_t idle = 0;
    bool over = false;

    void run() {
        std::unique_lock lock(mutex);
        while (true) {
            ++idle;
            news.wait(lock, [&] { return over || !waiting.empty(); });
            --idle;
            if (waiting.empty()) {
                return;
            }
            descriptor next = std::move(waiting.front());
            waiting.pop_front();
            lock.unlock();
            next.close();
            lock.lock();
        }
    }
};

closer::closer() : _shared(std::make_shared<shared>()) {}

closer::~closer() {
    const std::scoped_lock lock(_shared->mutex);
    _shared->over = true;
    _shared->news.notify_all();
}

void closer::close(descriptor what) {
    if (!what) {
        return;
    }
    const std::scoped_lock lock(_shared->mutex);
    _shared->waiting.push_back(std::move(what));
    if (_shared->idle >= _shared->waiting.size() || _shared->threads == threads_max) {
        _shared->news.notify_one();
        return;
    }
    // Signals are for the threads that expect them.
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
        std::thread([state = _shared] { state->run(); }).detach();
        ++_shared->threads;
    } catch (const std::system_error&) {
        // Without a single thread there is only this one.
        if (_shared->threads == 0) {
            _shared->waiting.clear();
        }
    }
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

} // namespace coterie::ipc
