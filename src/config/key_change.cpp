// SPDX-License-Identifier: BSD-3-Clause
// Links and renames, so that no moment is without a whole key; the folder is written out before a step counts as done.
#include "config/key_change.hpp"

#include "config/key_file.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

namespace coterie::config {

namespace {

constexpr std::size_t new_key_bytes = 256;

std::unexpected<std::string> failed(const std::string& what) {
    return std::unexpected(what + ": " + std::strerror(errno));
}

done write_out_folder(const std::string& file) {
    const std::string folder = std::filesystem::path(file).parent_path().string();
    const int opened = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const bool good = opened >= 0 && ::fsync(opened) == 0;
    const int error = errno;
    if (opened >= 0) {
        ::close(opened);
    }
    errno = error;
    return good ? done{} : failed(folder + " cannot be written out");
}

bool write_all(int to, std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        const ssize_t put = ::write(to, bytes.data(), bytes.size());
        if (put < 0 && errno != EINTR) {
            return false;
        }
        bytes = bytes.subspan(put > 0 ? static_cast<std::size_t>(put) : 0);
    }
    return ::fsync(to) == 0;
}

bool draw(std::span<std::byte> into) {
    while (!into.empty()) {
        const ssize_t got = ::getrandom(into.data(), into.size(), 0);
        if (got < 0 && errno != EINTR) {
            return false;
        }
        into = into.subspan(got > 0 ? static_cast<std::size_t>(got) : 0);
    }
    return true;
}

/// For whom the new file is: those of another one, or of the user alone.
done write_key(const std::string& file, const crypto::secret& key, const struct ::stat* like) {
    const int opened = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, S_IRUSR);
    if (opened < 0) {
        return failed(file + " cannot be made");
    }
    const bool good = write_all(opened, key.bytes()) &&
                      (like == nullptr || ((::fchown(opened, like->st_uid, like->st_gid) == 0 || ::geteuid() != 0) &&
                                           ::fchmod(opened, like->st_mode & (S_IRUSR | S_IRGRP)) == 0));
    const int error = errno;
    ::close(opened);
    if (!good) {
        ::unlink(file.c_str());
        errno = error;
        return failed(file + " cannot be written");
    }
    return write_out_folder(file);
}

done remove_file(const std::string& file) {
    return ::unlink(file.c_str()) == 0 || errno == ENOENT ? write_out_folder(file)
                                                          : failed(file + " cannot be removed");
}

/// FILE gets a second name `kept`, and then `fresh` takes its place.
done replace_key(const std::string& file, const std::string& fresh, const std::string& kept) {
    // What an interrupted step has left is FILE itself.
    if (::unlink(kept.c_str()) != 0 && errno != ENOENT) {
        return failed(kept + " cannot be removed");
    }
    if (::link(file.c_str(), kept.c_str()) != 0) {
        return failed(kept + " cannot be made");
    }
    if (::rename(fresh.c_str(), file.c_str()) != 0) {
        return failed(fresh + " cannot become " + file);
    }
    return write_out_folder(file);
}

/// Nothing if there is no such file, or if it holds the same key as `used`.
std::expected<std::optional<crypto::secret>, std::string> another_key(const std::string& file,
                                                                      const crypto::secret& used) {
    std::error_code ignored;
    if (!std::filesystem::exists(std::filesystem::symlink_status(file, ignored))) {
        return std::nullopt;
    }
    auto key = read_key_file(file);
    if (!key) {
        return std::unexpected(key.error());
    }
    return std::ranges::equal(key->bytes(), used.bytes()) ? std::nullopt : std::optional(std::move(*key));
}

} // namespace

std::expected<key_state, std::string> key_state_of(const std::string& file, const std::string& cluster_name) {
    const auto used = read_key_file(file);
    if (!used) {
        return std::unexpected(used.error());
    }
    const auto number = [&](const crypto::secret& key) {
        return crypto::cluster_key(key.bytes(), cluster_name).slot();
    };
    const auto next = another_key(next_key_file(file), *used);
    const auto last = another_key(last_key_file(file), *used);
    if (!next || !last) {
        return std::unexpected(next ? last.error() : next.error());
    }
    key_state result{.at = key_state::stage::settled, .used = number(*used), .other = 0};
    if (*last) {
        if (*next) {
            return std::unexpected("there are " + next_key_file(file) + " and " + last_key_file(file) +
                                   ": remove the one that no node uses");
        }
        result.at = key_state::stage::switched;
        result.other = number(**last);
    } else if (*next) {
        result.at = key_state::stage::prepared;
        result.other = number(**next);
    }
    return result;
}

done make_key_file(const std::string& file) {
    crypto::secret key(new_key_bytes);
    return draw(key.bytes()) ? write_key(file, key, nullptr) : failed("random bytes cannot be had");
}

done prepare_next_key(const std::string& file, const std::string& cluster_name) {
    const auto used = read_key_file(file);
    struct ::stat found{};
    if (!used) {
        return std::unexpected(used.error());
    }
    if (::stat(file.c_str(), &found) != 0) {
        return failed(file + " cannot be looked at");
    }
    const std::uint8_t taken = crypto::cluster_key(used->bytes(), cluster_name).slot();
    crypto::secret key(new_key_bytes);
    do {
        if (!draw(key.bytes())) {
            return failed("random bytes cannot be had");
        }
    } while (crypto::cluster_key(key.bytes(), cluster_name).slot() == taken);
    return write_key(next_key_file(file), key, &found);
}

done switch_to_next_key(const std::string& file) { return replace_key(file, next_key_file(file), last_key_file(file)); }

done forget_last_key(const std::string& file) { return remove_file(last_key_file(file)); }

done undo_key_change(const std::string& file, key_state::stage from) {
    return from == key_state::stage::switched ? replace_key(file, last_key_file(file), next_key_file(file))
                                              : remove_file(next_key_file(file));
}

} // namespace coterie::config
