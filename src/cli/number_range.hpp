// SPDX-License-Identifier: BSD-3-Clause
// Limits of numbers on the command line, with errors that people can read.
#pragma once

#include <cstdint>

namespace CLI {
class Validator;
}

namespace coterie::cli {

/// Digits that make a number from `least` to `most`. CLI11 itself takes -1 for a very large number.
[[nodiscard]] CLI::Validator whole_number(std::uint64_t least, std::uint64_t most);
/// A number from `least` to `most`, which may have a fraction.
[[nodiscard]] CLI::Validator number(double least, double most);

} // namespace coterie::cli
