// SPDX-License-Identifier: BSD-3-Clause
// Fuzzes the decoder of plans: the packet with lists inside a list.
#include "tests/fuzz/decoder_target.hpp"

COTERIE_DECODER_TARGET(coterie::wire::plan)
