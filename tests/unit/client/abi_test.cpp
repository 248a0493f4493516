// SPDX-License-Identifier: BSD-3-Clause
// Programs that were compiled for Corosync's libraries depend on sizes, offsets and values; all of them are nailed down
// here, and what outcomes are called as well.
#include <corosync/cpg.h>

#include <cerrno>
#include <cstddef>
#include <gtest/gtest.h>
#include <string>

namespace {

static_assert(sizeof(cpg_handle_t) == 8 && sizeof(cpg_iteration_handle_t) == 8);
static_assert(sizeof(cpg_name) == 132 && offsetof(cpg_name, length) == 0 && offsetof(cpg_name, value) == 4);
static_assert(sizeof(cpg_address) == 12 && offsetof(cpg_address, nodeid) == 0 && offsetof(cpg_address, pid) == 4 &&
              offsetof(cpg_address, reason) == 8);
static_assert(sizeof(cpg_ring_id) == 16 && offsetof(cpg_ring_id, nodeid) == 0 && offsetof(cpg_ring_id, seq) == 8);
static_assert(sizeof(cpg_iteration_description_t) == 140 && offsetof(cpg_iteration_description_t, group) == 0 &&
              offsetof(cpg_iteration_description_t, nodeid) == 132 &&
              offsetof(cpg_iteration_description_t, pid) == 136);
static_assert(sizeof(cpg_callbacks_t) == 16 && offsetof(cpg_callbacks_t, cpg_deliver_fn) == 0 &&
              offsetof(cpg_callbacks_t, cpg_confchg_fn) == 8);
static_assert(sizeof(cpg_model_data_t) == 4);
static_assert(sizeof(cpg_model_v1_data_t) == 40 && offsetof(cpg_model_v1_data_t, model) == 0 &&
              offsetof(cpg_model_v1_data_t, cpg_deliver_fn) == 8 &&
              offsetof(cpg_model_v1_data_t, cpg_confchg_fn) == 16 &&
              offsetof(cpg_model_v1_data_t, cpg_totem_confchg_fn) == 24 && offsetof(cpg_model_v1_data_t, flags) == 32);
static_assert(CPG_MAX_NAME_LENGTH == 128 && CPG_MEMBERS_MAX == 128 && CPG_MODEL_V1_DELIVER_INITIAL_TOTEM_CONF == 1);
static_assert(CPG_MODEL_V1 == 1);
static_assert(CPG_TYPE_UNORDERED == 0 && CPG_TYPE_FIFO == 1 && CPG_TYPE_AGREED == 2 && CPG_TYPE_SAFE == 3);
static_assert(CPG_FLOW_CONTROL_DISABLED == 0 && CPG_FLOW_CONTROL_ENABLED == 1);
static_assert(CPG_REASON_UNDEFINED == 0 && CPG_REASON_JOIN == 1 && CPG_REASON_LEAVE == 2 && CPG_REASON_NODEDOWN == 3 &&
              CPG_REASON_NODEUP == 4 && CPG_REASON_PROCDOWN == 5);
static_assert(CPG_ITERATION_NAME_ONLY == 1 && CPG_ITERATION_ONE_GROUP == 2 && CPG_ITERATION_ALL == 3);
static_assert(CS_DISPATCH_ONE == 1 && CS_DISPATCH_ALL == 2 && CS_DISPATCH_BLOCKING == 3 &&
              CS_DISPATCH_ONE_NONBLOCKING == 4);
static_assert(CS_TRACK_CURRENT == 1 && CS_TRACK_CHANGES == 2 && CS_TRACK_CHANGES_ONLY == 4);
static_assert(CS_OK == 1 && CS_ERR_LIBRARY == 2 && CS_ERR_VERSION == 3 && CS_ERR_INIT == 4 && CS_ERR_TIMEOUT == 5 &&
              CS_ERR_TRY_AGAIN == 6 && CS_ERR_INVALID_PARAM == 7 && CS_ERR_NO_MEMORY == 8 && CS_ERR_BAD_HANDLE == 9 &&
              CS_ERR_BUSY == 10 && CS_ERR_ACCESS == 11 && CS_ERR_NOT_EXIST == 12 && CS_ERR_NAME_TOO_LONG == 13 &&
              CS_ERR_EXIST == 14 && CS_ERR_NO_SPACE == 15 && CS_ERR_INTERRUPT == 16 && CS_ERR_NAME_NOT_FOUND == 17 &&
              CS_ERR_NO_RESOURCES == 18 && CS_ERR_NOT_SUPPORTED == 19 && CS_ERR_BAD_OPERATION == 20 &&
              CS_ERR_FAILED_OPERATION == 21 && CS_ERR_MESSAGE_ERROR == 22 && CS_ERR_QUEUE_FULL == 23 &&
              CS_ERR_QUEUE_NOT_AVAILABLE == 24 && CS_ERR_BAD_FLAGS == 25 && CS_ERR_TOO_BIG == 26 &&
              CS_ERR_NO_SECTIONS == 27 && CS_ERR_CONTEXT_NOT_FOUND == 28 && CS_ERR_TOO_MANY_GROUPS == 30 &&
              CS_ERR_SECURITY == 100);

} // namespace

TEST(the_c_api, has_the_layouts_that_programs_were_compiled_for) {
    // The compiler has judged by the time this runs.
    cpg_name name = {5, "group"};
    EXPECT_EQ(std::string(name.value, name.length), "group");
    EXPECT_EQ(CS_TRUE, 1);
    EXPECT_EQ(CS_MAX(2, 3), 3);
    EXPECT_GT(cs_timestamp_get(), 0U);
}
