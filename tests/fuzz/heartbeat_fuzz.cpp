// SPDX-License-Identifier: BSD-3-Clause
// Fuzzes the decoder of heartbeats: the packet that daemons outside the cluster's view send as well.
#include "tests/fuzz/decoder_target.hpp"

COTERIE_DECODER_TARGET(coterie::wire::heartbeat)
