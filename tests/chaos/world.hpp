// SPDX-License-Identifier: BSD-3-Clause
// A world to be tormented: machines in network namespaces, a daemon and clients on each, traced. Faults do to it what they
// like; in the end it has to come to rest in one view, and everything that was written down is judged by the guarantees.
#pragma once

#include "base/random.hpp"
#include "tests/integration/cluster.hpp"
#include "tests/integration/switched_network.hpp"

#include <memory>
#include <string>
#include <vector>

namespace coterie::tests {
class cpg_client;
}

namespace coterie::chaos {

using tests::cluster;
using tests::milliseconds;
using tests::switched_network;

/// What a world is made of. Machines are numbered from 1 on.
struct shape {
    std::size_t machines = 3;
    std::size_t links = 1;
    std::string link_mode = "passive";
    std::size_t clients = 2; ///< on each machine
    int rate = 150;          ///< messages a second of each client
    std::uint64_t message_bytes_max = 4'096;
    bool false_clock = false;      ///< the last machine has one, see set_clock()
    bool small_log_disk = false;   ///< log files are on a disk of their own with little room
    bool small_trace_disk = false; ///< daemons' traces are on that disk, too, and soon worth nothing
    std::string more{};            ///< of the configuration
};

/// The clients of a machine, each a process of its own with a trace of its own.
class crowd {
public:
    crowd(cluster& nodes, std::size_t machine, const shape& what, std::uint64_t seed);

    /// Starts clients until there are as many as there should be.
    void fill();
    /// Kills this many of them.
    void kill(std::size_t count);
    void send_signal(int number);
    [[nodiscard]] std::size_t size() const { return _processes.size(); }
    /// Lets all end by themselves; how many did not.
    [[nodiscard]] std::size_t end();
    [[nodiscard]] std::size_t started() const { return _started; }

private:
    cluster& _nodes;
    const std::size_t _machine;
    const shape& _shape;
    const std::uint64_t _seed;
    std::size_t _started = 0;
    std::vector<cli::child_process> _processes;
};

class world {
public:
    world(shape what, std::uint64_t seed);
    world(const world&) = delete;
    world& operator=(const world&) = delete;
    ~world();

    /// Why this machine cannot have such a world; empty if it can.
    [[nodiscard]] const std::string& fault() const { return _fault; }
    /// Starts all daemons and clients and waits until all are in one view. Nothing, or what went wrong.
    [[nodiscard]] std::string start();
    /// Waits until all daemons are in one view, and clients have been told by each.
    [[nodiscard]] std::string settle();
    /// Lets the clients end: each has to get back all that it sent.
    [[nodiscard]] std::string end_clients();
    /// Has the end of the traces recorded.
    [[nodiscard]] std::string record_end();

    [[nodiscard]] const shape& made_of() const { return _shape; }
    [[nodiscard]] switched_network& network() { return *_network; }
    [[nodiscard]] cluster& nodes() { return *_nodes; }
    [[nodiscard]] cli::child_process& daemon(std::size_t machine) { return _nodes->daemon(machine - 1); }
    [[nodiscard]] crowd& clients(std::size_t machine) { return *_crowds[machine - 1]; }
    void kill_daemon(std::size_t machine);
    /// Ends it in order; whether it did.
    [[nodiscard]] bool end_daemon(std::size_t machine);
    /// Whether clients can connect.
    [[nodiscard]] bool start_daemon(std::size_t machine);
    /// How often a machine's daemon has said these words in its log.
    [[nodiscard]] std::size_t said(std::size_t machine, const std::string& words) const;
    /// How many views the daemons have installed since their start, all together, by their logs.
    [[nodiscard]] std::size_t views() const;
    /// The view of a machine's daemon and its members, e.g. "12.1: 1 2 3"; empty when it does not answer.
    [[nodiscard]] std::string view_of(std::size_t machine) const;

    /// What a machine's daemon could not send, and why, the last time.
    struct unsent {
        std::uint64_t count = 0;
        int last_error = 0;
    };
    [[nodiscard]] unsent unsent_by(std::size_t machine) const;
    /// The groups and their members as a machine's daemon tells them; empty when it does not answer.
    [[nodiscard]] std::string groups_of(std::size_t machine) const;

    /// The wall clock of the last machine's daemon is so many seconds ahead of the others'. With shape::false_clock.
    [[nodiscard]] bool set_clock(std::int64_t seconds) const;
    /// Where each daemon's log file is, on a disk of its own. With shape::small_log_disk.
    [[nodiscard]] std::string log_disk() const { return _folder / "log-disk"; }
    /// Where logs, traces and configurations are.
    [[nodiscard]] const std::string& folder() const { return _nodes->folder().path(); }

private:
    [[nodiscard]] std::vector<tests::node_place> places() const;
    [[nodiscard]] std::string configuration() const;
    [[nodiscard]] std::string clock_file() const { return _folder / "clock"; }

    const shape _shape;
    std::string _fault;
    tests::temporary_folder _folder;
    std::unique_ptr<switched_network> _network;
    std::unique_ptr<cluster> _nodes;
    std::vector<std::unique_ptr<crowd>> _crowds;
    std::unique_ptr<tests::cpg_client> _last; ///< is there when the tables are recorded, and later
};

/// A process of the machine's, e.g. "trace-clients-2-17": the trace of the 17th client of machine 2.
[[nodiscard]] std::string client_trace(const std::string& folder, std::size_t machine, std::size_t number);

} // namespace coterie::chaos
