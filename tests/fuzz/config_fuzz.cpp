// SPDX-License-Identifier: BSD-3-Clause
// Fuzzes the reader of configurations: any text is judged without harm, every fault names a line that exists, and a text
// without errors gives settings within their bounds.
#include "config/settings.hpp"

#include <algorithm>
#include <cstdlib>

namespace {

void require(bool condition) {
    if (!condition) {
        std::abort();
    }
}

/// Knows a few names and asks nobody.
class few_accounts final : public coterie::config::accounts {
public:
    std::optional<uid_t> user(const std::string& name) const override {
        return name.size() == 1 ? std::optional<uid_t>(1) : std::nullopt;
    }
    std::optional<gid_t> group(const std::string& name) const override {
        return name.size() == 1 ? std::optional<gid_t>(1) : std::nullopt;
    }
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace coterie::config;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 1;
    const loaded got = judge(parse(text, "f"), "f", few_accounts());
    for (const diagnostic& each : got.diagnostics) {
        require(each.line >= 1 && each.line <= lines);
        require(each.message().find('\n') == std::string::npos);
    }
    if (got.ok()) {
        for (const link_settings& each : got.what.links) {
            require(each.port != 0);
        }
        require(!got.what.log.to_file || got.what.log.file.starts_with('/'));
        require(got.what.nodes.size() <= nodes_max);
        for (const node& each : got.what.nodes) {
            require(each.id.value >= 1 && each.id.value <= 65'535);
            require(!each.addresses.empty() && each.addresses.size() == got.what.nodes.front().addresses.size());
            for (std::size_t i = 0; i < each.addresses.size(); ++i) {
                require(each.addresses[i].link == got.what.nodes.front().addresses[i].link);
                require(!each.addresses[i].host.empty() && each.addresses[i].line >= 1);
            }
        }
    }
    return 0;
}
