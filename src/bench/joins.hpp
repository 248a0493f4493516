// SPDX-License-Identifier: BSD-3-Clause
// How many joins and leaves a second, as of programs that come and go: each connects, joins a group, sees that it is in it,
// leaves it, sees that it is out of it, closes its handle, and begins again.
#pragma once

#include "bench/latencies.hpp"
#include "bench/order_check.hpp"

#include <expected>
#include <set>
#include <span>
#include <string>

struct cpg_address;

namespace coterie::bench {

/// Judges the changes that one handle is told of: members are those before, without who left, with who joined.
class change_check {
public:
    explicit change_check(member_id self) : _self(self) {}

    enum class meaning { joined, left, of_others };
    /// What the change says of the own membership. A wrong one is kept as a fault.
    meaning take(std::span<const cpg_address> members, std::span<const cpg_address> left,
                 std::span<const cpg_address> joined);
    [[nodiscard]] const std::string& fault() const { return _fault; }

private:
    const member_id _self;
    bool _inside = false;
    std::set<member_id> _members;
    std::string _fault;
};

struct joins_options {
    std::string group = "bench";
    std::size_t handles = 10; ///< at a time
    double seconds = 2;
    double limit_seconds = 30;
};

struct joins_report {
    member_id self;
    double rate = 0;   ///< joins a second, each with its leave
    distribution join; ///< from the call to the own change
    distribution leave;
};

/// The error is one line for people.
[[nodiscard]] std::expected<joins_report, std::string> join_and_leave(const joins_options& asked);

} // namespace coterie::bench
