// SPDX-License-Identifier: BSD-3-Clause
// A key goes from the file to memory for keys without a stop between.
#include "config/key_file.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

namespace coterie::config {

namespace {

constexpr const char* usual_files[] = {"/etc/coterie/authkey", "/etc/corosync/authkey"};

bool exists(const std::string& file) {
    std::error_code ignored;
    return std::filesystem::exists(std::filesystem::symlink_status(file, ignored));
}

/// Who besides root and this user can do something with a file, or nothing.
std::string fault_of(const struct ::stat& found) {
    if (found.st_uid != 0 && found.st_uid != ::geteuid()) {
        return "belongs to user " + std::to_string(found.st_uid) + "; make it root's: chown root";
    }
    const bool own_group = found.st_gid == 0 || found.st_gid == ::getegid();
    if ((found.st_mode & S_IRWXO) != 0 || ((found.st_mode & S_IRWXG) != 0 && !own_group)) {
        return "can be read or written by others; take that from them: chmod 0400";
    }
    if ((found.st_mode & (S_IWGRP | S_IXGRP)) != 0) {
        return "can be written by its group; take that from it: chmod 0440";
    }
    return {};
}

class descriptor {
public:
    explicit descriptor(const std::string& file)
        : _number(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)) {}
    descriptor(const descriptor&) = delete;
    descriptor& operator=(const descriptor&) = delete;
    ~descriptor() {
        if (_number >= 0) {
            ::close(_number);
        }
    }
    [[nodiscard]] int number() const { return _number; }

private:
    int _number;
};

/// Reads until the end or until `space` is full; nothing if it cannot be read.
std::optional<std::size_t> fill(int from, std::span<std::byte> space) {
    std::size_t size = 0;
    while (size < space.size()) {
        const ssize_t got = ::read(from, space.data() + size, space.size() - size);
        if (got == 0) {
            break;
        }
        if (got < 0 && errno != EINTR) {
            return std::nullopt;
        }
        size += got > 0 ? static_cast<std::size_t>(got) : 0;
    }
    return size;
}

bool same(const crypto::secret& one, const crypto::secret& other) {
    return std::ranges::equal(one.bytes(), other.bytes());
}

/// The key that is accepted besides `used`, if there is any.
std::expected<std::optional<crypto::cluster_key>, std::string> other_key(const std::string& file,
                                                                         const crypto::secret& used,
                                                                         const std::string& cluster_name) {
    std::optional<crypto::cluster_key> result;
    std::string first;
    for (const std::string& each : {next_key_file(file), last_key_file(file)}) {
        if (!exists(each)) {
            continue;
        }
        const auto key = read_key_file(each);
        if (!key) {
            return std::unexpected(key.error());
        }
        // A change that was interrupted leaves the same key twice.
        if (same(*key, used)) {
            continue;
        }
        if (result) {
            return std::unexpected(
                "there are " + first + " and " + each +
                ", and a node accepts two keys: end the one change with `coterie key finish` or `coterie key undo`");
        }
        result.emplace(key->bytes(), cluster_name);
        first = each;
    }
    return result;
}

} // namespace

std::string key_file_of(const encryption& wanted) {
    if (wanted.key_file) {
        return *wanted.key_file;
    }
    const auto found = std::ranges::find_if(usual_files, [](const char* each) { return exists(each); });
    return found == std::end(usual_files) ? usual_files[1] : *found;
}

std::expected<crypto::secret, std::string> read_key_file(const std::string& file) {
    const auto refuse = [&](const std::string& why) { return std::unexpected("key file " + file + " " + why); };
    const descriptor opened(file);
    if (opened.number() < 0) {
        return refuse("cannot be read: " + std::string(std::strerror(errno)) +
                      (errno == ENOENT ? "; make one with `coterie keygen` and copy it to all nodes" : ""));
    }
    struct ::stat found{};
    if (::fstat(opened.number(), &found) != 0 || !S_ISREG(found.st_mode)) {
        return refuse("is not a file");
    }
    if (const std::string fault = fault_of(found); !fault.empty()) {
        return refuse(fault);
    }
    crypto::secret result(crypto::material_bytes_max + 1);
    const auto size = fill(opened.number(), result.bytes());
    if (!size) {
        return refuse("cannot be read: " + std::string(std::strerror(errno)));
    }
    if (*size < crypto::material_bytes_min || *size > crypto::material_bytes_max) {
        return refuse((*size > crypto::material_bytes_max
                           ? "has more than " + std::to_string(crypto::material_bytes_max)
                           : "has " + std::to_string(*size)) +
                      " bytes; a key has 128 to 4096");
    }
    result.shorten(*size);
    return result;
}

std::expected<crypto::keyring, std::string> read_keys(const settings& from) {
    if (from.crypto.key) {
        struct ::stat found{};
        if (::stat(from.file.c_str(), &found) == 0) {
            if (const std::string fault = fault_of(found); !fault.empty()) {
                return std::unexpected(from.file + " holds a key (totem.key) and " + fault);
            }
        }
        return crypto::keyring{{std::as_bytes(std::span(*from.crypto.key)), from.cluster_name}, {}};
    }
    const std::string file = key_file_of(from.crypto);
    const auto used = read_key_file(file);
    if (!used) {
        return std::unexpected(used.error());
    }
    auto other = other_key(file, *used, from.cluster_name);
    if (!other) {
        return std::unexpected(other.error());
    }
    crypto::keyring result{{used->bytes(), from.cluster_name}, std::move(*other)};
    if (result.other && result.other->slot() == result.used.slot()) {
        return std::unexpected("the other key beside " + file + " has the same number as that one, " +
                               std::to_string(result.used.slot()) +
                               "; make another with `coterie key undo` and `coterie key rotate`");
    }
    return result;
}

} // namespace coterie::config
