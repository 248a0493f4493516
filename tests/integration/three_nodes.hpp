// SPDX-License-Identifier: BSD-3-Clause
// A cluster under a flood: a daemon and a client at each place, all clients in one group, each sending without a pause
// while a test does to daemons, clients and the network what it likes. In the end all have to tell the same, and the
// traces are judged by the guarantees. Clients are those of the demonstration: they tell what they see, count what they
// get and write down its order.
#pragma once

#include "tests/integration/cluster.hpp"

#include <map>
#include <memory>

namespace coterie::tests {

class cpg_client;

/// One client of the group.
class flooder {
public:
    flooder(cluster& nodes, std::size_t place, std::uint64_t rate);

    /// How often it has told a line that has all of these words.
    std::size_t told(const std::vector<std::string>& words);
    void say_last_word() { _process.close_input(); }
    void kill() { _process.kill(); }
    /// Whether it ends with status 0 by itself.
    bool ended_well();
    [[nodiscard]] pid_t pid() const { return _process.pid(); }
    [[nodiscard]] const std::string& text() const { return _text; }
    [[nodiscard]] const std::string& segments() const { return _segments; }

private:
    const std::string _segments;
    cli::child_process _process;
    std::string _text;
};

/// All clients of a cluster. Failures are those of the running test.
class flood {
public:
    /// Starts all daemons and their clients, each of which sends `rate` messages a second; 0: as many as are taken.
    flood(cluster& nodes, std::uint64_t rate);

    flooder& operator[](std::size_t place) { return *_clients[place]; }
    /// Waits until the clients at these places have all told, so many times, a line with these words.
    [[nodiscard]] bool wait_for(const std::vector<std::size_t>& places, const std::vector<std::string>& words,
                                std::size_t times = 1);
    [[nodiscard]] bool wait_until(const std::function<bool()>& what);
    void let_pass(milliseconds time);
    void kill_client(std::size_t place);

    /// Lets all say their last word and waits until they have ended.
    void end();
    /// Compares what the clients received between changes of the group, if all that went on at the same change. How many
    /// stretches were compared by how many.
    [[nodiscard]] std::map<std::size_t, std::size_t> compare();
    /// Has the traces judged, after end(). Daemons that were killed must have been recorded.
    void judge();

private:
    [[nodiscard]] std::vector<flooder*> living();

    cluster& _nodes;
    std::vector<std::unique_ptr<flooder>> _clients;
    std::vector<std::pair<std::size_t, pid_t>> _killed;
};

/// One daemon is killed amid the flood and started again, and its client comes back.
struct story {
    std::uint64_t rate = 0; ///< messages a second of each client; 0: as many as are taken
    milliseconds before_kill{1'500};
    milliseconds apart{1'000};
    milliseconds after_return{1'500};
    bool judged = false; ///< by the guarantees; the cluster is traced
};

/// Plays the story; failures are those of the running test. The daemons go on.
void play(cluster& nodes, const story& what);

/// Writes down that the daemon of a place failed after each of its lives but the last, as nobody else could.
void record_failures(const cluster& nodes, std::size_t place);
/// Writes down that a client process of a place was killed.
void record_client_failure(const cluster& nodes, std::size_t place, pid_t pid);
/// The end of what the daemons trace: the tables of their groups, with one more client that stays, so that there is
/// something in them.
void record_end(cluster& nodes, cpg_client& last);
/// Has the daemons write the tables of their groups to their traces, once they know of one member only.
void record_tables(cluster& nodes);
/// Judges all traces by the guarantees; failures are those of the running test.
void check_traces(const cluster& nodes);

} // namespace coterie::tests
