// SPDX-License-Identifier: BSD-3-Clause
// Fuzzes the reader of trace files: any text is read or refused without harm, a refusal names a line that exists, and what
// was read is written and read again as the same.
#include "trace/reader.hpp"

#include "tests/fuzz/decoder_target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    using namespace coterie;
    const std::string_view text(reinterpret_cast<const char*>(bytes), size);
    const auto lines = static_cast<std::size_t>(std::ranges::count(text, '\n'));
    const auto found = trace::read_text(text);
    if (!found) {
        tests::require(found.error().line >= 1 && found.error().line <= lines);
        return 0;
    }
    tests::require(found->size() <= lines);
    for (const trace::event& each : *found) {
        const std::string line = trace::format(each);
        tests::require(line.find('\n') == std::string::npos);
        trace::event again;
        tests::require(trace::parse(line, again) && again == each);
    }
    return 0;
}
