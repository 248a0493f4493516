// SPDX-License-Identifier: BSD-3-Clause
// Fuzzes the reader of a stored epoch: what is accepted is the one line of that epoch, and no byte of a line can be
// another one, left out or doubled without its being refused.
#include "daemon/epoch_line.hpp"
#include "tests/fuzz/decoder_target.hpp"

namespace {

using namespace coterie;

void check_damage(const std::string& line, std::size_t at, char other) {
    std::string damaged = line;
    damaged[at] = other;
    tests::require(other == line[at] || !daemon::epoch_of(damaged));
    tests::require(!daemon::epoch_of(line.substr(0, at)));
    damaged = line;
    damaged.insert(at, 1, other);
    tests::require(!daemon::epoch_of(damaged));
    damaged = line;
    damaged.erase(at, 1);
    tests::require(!daemon::epoch_of(damaged));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    const std::string text(reinterpret_cast<const char*>(bytes), size);
    if (const auto epoch = daemon::epoch_of(text)) {
        tests::require(text == daemon::line_of(*epoch) && text.size() <= daemon::epoch_line_bytes_max);
    }
    base::epoch_number own;
    for (std::size_t at = 0; at < std::min<std::size_t>(size, 8); ++at) {
        own.value = own.value << 8U | bytes[at];
    }
    const std::string line = daemon::line_of(own);
    tests::require(daemon::epoch_of(line) == own && line.size() <= daemon::epoch_line_bytes_max);
    if (size >= 2) {
        check_damage(line, bytes[0] % line.size(), static_cast<char>(bytes[size - 1]));
    }
    return 0;
}
