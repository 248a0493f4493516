// SPDX-License-Identifier: BSD-3-Clause
// What a member of the demonstration received, and the comparison of what several received. Everything between two changes
// of the group is a segment; members that saw the same two changes must have received the same messages in between, in the
// same order, and one that was cut off in a segment must agree with the others as far as it came.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace coterie::cli {

struct segment {
    std::string opened_by;              ///< the change it follows, in words that are the same for all who saw it
    std::string closed_by;              ///< the change it ends with; empty when the daemon died in it
    std::vector<std::uint64_t> digests; ///< after each message: over it and all before it in the segment
};

/// The digest after one more message.
[[nodiscard]] std::uint64_t extended(std::uint64_t before, std::uint32_t node, std::uint32_t pid,
                                     std::string_view text);

/// All segments of one member, in order, as bytes of a file and back.
[[nodiscard]] bool write_segments(const std::string& file, const std::vector<segment>& segments);
[[nodiscard]] std::expected<std::vector<segment>, std::string> read_segments(const std::string& file);

/// What the comparison says about one segment.
struct verdict {
    std::string opened_by;
    std::string closed_by;
    std::vector<std::size_t> members; ///< who went through all of it
    std::vector<std::size_t> cut_off; ///< who received a part of it
    std::uint64_t messages{};
    std::uint64_t digest{};
    std::string fault; ///< empty when they agree
};
/// `members[i]` are the segments of member i. In the order of the first member that has each.
[[nodiscard]] std::vector<verdict> compare(const std::vector<std::vector<segment>>& members);

} // namespace coterie::cli
