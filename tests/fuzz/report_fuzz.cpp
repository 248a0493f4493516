// SPDX-License-Identifier: BSD-3-Clause
// Fuzzes the decoder of reports: the packet with the most lists in a row.
#include "tests/fuzz/decoder_target.hpp"

COTERIE_DECODER_TARGET(coterie::wire::report)
