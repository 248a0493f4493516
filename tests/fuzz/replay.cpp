// SPDX-License-Identifier: BSD-3-Clause
//
// Runs a fuzz target without libFuzzer: every file named, and every file of every folder named, once. With it the corpus
// is an ordinary test in every build; finding new inputs is left to the fuzz preset.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size);

namespace {

std::vector<std::filesystem::path> files_of(const std::filesystem::path& place) {
    namespace fs = std::filesystem;
    std::vector<fs::path> files;
    if (!fs::is_directory(place)) {
        if (fs::exists(place)) {
            files.push_back(place);
        }
        return files;
    }
    for (const auto& entry : fs::recursive_directory_iterator(place)) {
        if (entry.is_regular_file()) {
            files.push_back(entry.path());
        }
    }
    std::ranges::sort(files);
    return files;
}

} // namespace

int main(int argc, char** argv) {
    // The empty input is part of every corpus.
    LLVMFuzzerTestOneInput(nullptr, 0);

    std::size_t file_count = 0;
    for (int i = 1; i < argc; ++i) {
        for (const auto& file : files_of(argv[i])) {
            // Said before the run, so that the last line names the file that crashed.
            std::printf("%s\n", file.c_str());
            std::fflush(stdout);
            std::ifstream stream{file, std::ios::binary};
            const std::string bytes{std::istreambuf_iterator<char>{stream}, {}};
            // A copy of the exact size, so that the address sanitizer sees a read past the end.
            const std::vector<std::uint8_t> input{bytes.begin(), bytes.end()};
            LLVMFuzzerTestOneInput(input.data(), input.size());
            ++file_count;
        }
    }
    std::printf("%zu files\n", file_count);
    return 0;
}
