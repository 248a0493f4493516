// SPDX-License-Identifier: BSD-3-Clause
// Rows of words under a line of titles, in aligned columns.
#pragma once

#include <string>
#include <vector>

namespace coterie::cli {

class text_table {
public:
    struct column {
        std::string title;
        bool right = false; ///< numbers stand at the right
    };
    explicit text_table(std::vector<column> columns) : _columns(std::move(columns)) {}

    /// As many words as there are columns.
    void add(std::vector<std::string> row) { _rows.push_back(std::move(row)); }
    [[nodiscard]] bool empty() const { return _rows.empty(); }
    /// Each line indented by two; nothing when there are no rows.
    [[nodiscard]] std::string text() const;

private:
    std::vector<column> _columns;
    std::vector<std::vector<std::string>> _rows;
};

} // namespace coterie::cli
