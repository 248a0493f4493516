// SPDX-License-Identifier: BSD-3-Clause
// Reads configurations from files: the main one, and those of the folder `uidgid.d` beside it, with bounds on both.
#include "config/judge.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <expected>
#include <filesystem>
#include <fstream>

namespace coterie::config {

namespace {

constexpr std::size_t file_bytes_max = std::size_t{4} << 20U;
constexpr std::size_t access_files_max = 1'024;

std::expected<std::string, std::string> content_of(const std::string& file) {
    std::error_code ignored;
    if (std::filesystem::is_directory(file, ignored)) {
        return std::unexpected("this file cannot be read: it is a folder");
    }
    errno = 0;
    std::ifstream in(file, std::ios::binary);
    if (!in) {
        return std::unexpected("this file cannot be read: " + std::string(std::strerror(errno)));
    }
    std::string text(file_bytes_max + 1, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (in.bad()) {
        return std::unexpected("this file cannot be read: " + std::string(std::strerror(errno)));
    }
    text.resize(static_cast<std::size_t>(in.gcount()));
    if (text.size() > file_bytes_max) {
        return std::unexpected("this file has more than 4 MiB; is it a configuration?");
    }
    return text;
}

void refuse(loaded& result, const std::string& file, std::string text) {
    result.diagnostics.push_back(
        {.how = diagnostic::weight::error, .file = file, .line = 0, .key = {}, .text = std::move(text)});
}

/// Plain files, sorted; hidden ones are those of editors and of package managers at work.
std::vector<std::string> access_files(const std::filesystem::path& folder, loaded& result) {
    std::vector<std::string> files;
    std::error_code fault;
    if (!std::filesystem::exists(folder, fault)) {
        return files;
    }
    for (std::filesystem::directory_iterator each(folder, fault), end; !fault && each != end; each.increment(fault)) {
        std::error_code ignored;
        if (each->is_regular_file(ignored) && !each->path().filename().string().starts_with('.')) {
            files.push_back(each->path().string());
        }
    }
    if (fault) {
        refuse(result, folder.string(), "this folder cannot be read: " + fault.message());
    }
    if (files.size() > access_files_max) {
        refuse(result, folder.string(), "more than " + std::to_string(access_files_max) + " files are not supported");
        files.clear();
    }
    std::ranges::sort(files);
    return files;
}

} // namespace

loaded load(const std::string& file, const accounts& known) {
    const auto text = content_of(file);
    if (!text) {
        loaded result;
        result.what.file = file;
        refuse(result, file, text.error());
        return result;
    }
    loaded result = judge(parse(*text, file), file, known);
    const std::filesystem::path folder = std::filesystem::path(file).parent_path() / "uidgid.d";
    for (const std::string& each : access_files(folder, result)) {
        if (const auto more = content_of(each)) {
            judge_access(parse(*more, each), each, known, result);
        } else {
            refuse(result, each, more.error());
        }
    }
    return result;
}

} // namespace coterie::config
