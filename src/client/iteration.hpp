// SPDX-License-Identifier: BSD-3-Clause
// A walk over groups and their members as they were when the walk began; what stands behind a cpg_iteration_handle_t.
#pragma once

#include "client/group_handle.hpp"

#include <optional>

namespace coterie::client {

/// Thread-safe.
class iteration {
public:
    /// `group` is empty unless the type is CPG_ITERATION_ONE_GROUP.
    [[nodiscard]] static std::expected<std::shared_ptr<iteration>, cs_error_t> begin(group_handle& handle,
                                                                                     cpg_iteration_type_t type,
                                                                                     std::string_view group);
    /// Nothing at the end.
    [[nodiscard]] std::optional<cpg_iteration_description_t> next();
    /// Whether the walk was begun with this handle.
    [[nodiscard]] bool belongs_to(const group_handle& handle) const { return _handle == &handle; }

private:
    iteration(const group_handle& handle, std::vector<cpg_iteration_description_t> rows)
        : _handle(&handle),
          _rows(std::move(rows)) {}

    const group_handle* const _handle; ///< only to compare: it may be gone
    std::mutex _mutex;
    std::vector<cpg_iteration_description_t> _rows;
    std::size_t _at = 0;
};

} // namespace coterie::client
