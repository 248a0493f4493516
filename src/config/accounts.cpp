// SPDX-License-Identifier: BSD-3-Clause
// getpwnam_r(3) and getgrnam_r(3).
#include "config/accounts.hpp"

#include <cerrno>
#include <grp.h>
#include <pwd.h>
#include <vector>

namespace coterie::config {

namespace {

/// Entries that need more space than this are as good as absent.
constexpr std::size_t entry_bytes_max = std::size_t{1} << 20U;

/// Calls a look-up with more and more space until its entry fits.
template <class Entry, class LookUp>
std::optional<Entry> found(LookUp look_up) {
    Entry entry{};
    Entry* result = nullptr;
    for (std::size_t size = 1'024; size <= entry_bytes_max; size *= 4) {
        std::vector<char> space(size);
        const int fault = look_up(&entry, space.data(), space.size(), &result);
        if (fault != ERANGE) {
            break;
        }
    }
    return result == nullptr ? std::nullopt : std::optional(entry);
}

class databases final : public accounts {
public:
    std::optional<uid_t> user(const std::string& name) const override {
        // Only the number is used: the entry's texts are gone by then.
        const auto entry = found<passwd>([&](passwd* into, char* space, std::size_t size, passwd** result) {
            return ::getpwnam_r(name.c_str(), into, space, size, result);
        });
        return entry ? std::optional(entry->pw_uid) : std::nullopt;
    }
    std::optional<gid_t> group(const std::string& name) const override {
        const auto entry = found<::group>([&](::group* into, char* space, std::size_t size, ::group** result) {
            return ::getgrnam_r(name.c_str(), into, space, size, result);
        });
        return entry ? std::optional(entry->gr_gid) : std::nullopt;
    }
};

} // namespace

const accounts& system_accounts() {
    static const databases the_only_one;
    return the_only_one;
}

} // namespace coterie::config
