// SPDX-License-Identifier: BSD-3-Clause
// Asks the daemon once and then walks over the answer.
#include "client/iteration.hpp"

#include <algorithm>

namespace coterie::client {

namespace {

cpg_iteration_description_t row_of(std::string_view group, const ipc::address& who) {
    cpg_iteration_description_t result{};
    result.group.length = static_cast<std::uint32_t>(std::min(group.size(), sizeof(result.group.value)));
    std::copy_n(group.begin(), result.group.length, result.group.value);
    result.nodeid = who.node.value;
    result.pid = who.pid;
    return result;
}

} // namespace

std::expected<std::shared_ptr<iteration>, cs_error_t> iteration::begin(group_handle& handle, cpg_iteration_type_t type,
                                                                       std::string_view group) {
    std::vector<cpg_iteration_description_t> rows;
    if (type == CPG_ITERATION_ONE_GROUP) {
        const auto members = handle.members_of(group);
        if (!members) {
            return std::unexpected(members.error());
        }
        for (const ipc::address& each : *members) {
            rows.push_back(row_of(group, each));
        }
    } else {
        const auto body = handle.all_groups();
        if (!body) {
            return std::unexpected(body.error());
        }
        const auto groups = ipc::unpack_groups(*body);
        if (!groups) {
            return std::unexpected(CS_ERR_LIBRARY);
        }
        for (const ipc::group_listing& each : *groups) {
            if (type == CPG_ITERATION_NAME_ONLY) {
                rows.push_back(row_of(each.name, {}));
                continue;
            }
            for (const ipc::address& who : each.members) {
                rows.push_back(row_of(each.name, who));
            }
        }
    }
    return std::shared_ptr<iteration>(new iteration(handle, std::move(rows)));
}

std::optional<cpg_iteration_description_t> iteration::next() {
    const std::scoped_lock lock(_mutex);
    if (_at == _rows.size()) {
        return std::nullopt;
    }
    return _rows[_at++];
}

} // namespace coterie::client
