// SPDX-License-Identifier: BSD-3-Clause
// Segments are matched by the words of their changes; the digests then tell whether the contents match.
#include "cli/demo_order.hpp"

#include "trace/event.hpp"

#include <algorithm>
#include <cstring>
#include <fstream>

namespace coterie::cli {

namespace {

/// A file that claims more is not one of ours.
constexpr std::uint64_t digests_max = 1'000'000'000;

void put(std::ofstream& out, std::uint64_t value) { out.write(reinterpret_cast<const char*>(&value), sizeof(value)); }

void put(std::ofstream& out, const std::string& text) {
    put(out, text.size());
    out.write(text.data(), static_cast<std::streamsize>(text.size()));
}

std::uint64_t take(std::ifstream& in) {
    std::uint64_t value = 0;
    in.read(reinterpret_cast<char*>(&value), sizeof(value));
    return value;
}

std::string take_text(std::ifstream& in) {
    std::string result(std::min<std::uint64_t>(take(in), 65'536), '\0');
    in.read(result.data(), static_cast<std::streamsize>(result.size()));
    return result;
}

bool agree_so_far(const segment& one, const segment& other) {
    const std::size_t common = std::min(one.digests.size(), other.digests.size());
    // A digest stands for everything before it.
    return common == 0 || one.digests[common - 1] == other.digests[common - 1];
}

void judge(verdict& out, const segment& first, const segment& next, std::size_t member) {
    if (!agree_so_far(first, next)) {
        out.fault = "member " + std::to_string(member + 1) + " received another order";
    } else if (!next.closed_by.empty() && next.digests.size() != first.digests.size()) {
        out.fault = "member " + std::to_string(member + 1) + " received " + std::to_string(next.digests.size()) +
                    " messages, others " + std::to_string(first.digests.size());
    }
}

/// Compares one segment with what every member has of it.
verdict judge_all(const segment& first, const std::vector<std::vector<segment>>& members) {
    verdict result{.opened_by = first.opened_by,
                   .closed_by = first.closed_by,
                   .members = {},
                   .cut_off = {},
                   .messages = first.digests.size(),
                   .digest = first.digests.empty() ? 0 : first.digests.back(),
                   .fault = {}};
    for (std::size_t i = 0; i < members.size(); ++i) {
        for (const segment& each : members[i]) {
            if (each.opened_by != first.opened_by) {
                continue;
            }
            if (each.closed_by == first.closed_by) {
                result.members.push_back(i);
            } else if (each.closed_by.empty()) {
                result.cut_off.push_back(i);
            } else {
                result.fault = "member " + std::to_string(i + 1) + " saw another change at its end: " + each.closed_by;
                continue;
            }
            judge(result, first, each, i);
        }
    }
    return result;
}

} // namespace

std::uint64_t extended(std::uint64_t before, std::uint32_t node, std::uint32_t pid, std::string_view text) {
    const std::uint64_t parts[] = {before, std::uint64_t{node} << 32U | pid,
                                   trace::digest(std::as_bytes(std::span(text.data(), text.size())))};
    return trace::digest(std::as_bytes(std::span(parts)));
}

bool write_segments(const std::string& file, const std::vector<segment>& segments) {
    std::ofstream out(file, std::ios::binary);
    put(out, segments.size());
    for (const segment& each : segments) {
        put(out, each.opened_by);
        put(out, each.closed_by);
        put(out, each.digests.size());
        for (const std::uint64_t digest : each.digests) {
            put(out, digest);
        }
    }
    out.close();
    return !out.fail();
}

std::expected<std::vector<segment>, std::string> read_segments(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    std::vector<segment> result;
    const std::uint64_t count = take(in);
    for (std::uint64_t i = 0; i < count && in; ++i) {
        segment& each = result.emplace_back();
        each.opened_by = take_text(in);
        each.closed_by = take_text(in);
        const std::uint64_t digests = take(in);
        if (digests > digests_max) {
            break;
        }
        each.digests.resize(digests);
        in.read(reinterpret_cast<char*>(each.digests.data()),
                static_cast<std::streamsize>(digests * sizeof(std::uint64_t)));
    }
    if (!in || result.size() != count) {
        return std::unexpected("cannot read what a member received: " + file);
    }
    return result;
}

std::vector<verdict> compare(const std::vector<std::vector<segment>>& members) {
    std::vector<verdict> result;
    const auto known = [&](const segment& each) {
        return std::any_of(result.begin(), result.end(), [&](const verdict& other) {
            return other.opened_by == each.opened_by && (other.closed_by == each.closed_by || each.closed_by.empty());
        });
    };
    for (const bool whole : {true, false}) {
        for (const std::vector<segment>& each : members) {
            for (const segment& one : each) {
                if (one.closed_by.empty() != whole && !known(one)) {
                    result.push_back(judge_all(one, members));
                }
            }
        }
    }
    return result;
}

} // namespace coterie::cli
