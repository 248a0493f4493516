# SPDX-License-Identifier: BSD-3-Clause
#
# What sanitizers find in any process of a test fails the run, also in a daemon whose end nobody looks at: every report
# goes into a file named for the test, and when the tests are over there may be none.

set(COTERIE_REPORTS "${CMAKE_BINARY_DIR}/reports")

# coterie_sanitizer_options(<variable> <file name>): what a process wants in its environment to write its reports there.
function(coterie_sanitizer_options variable name)
    set(log "log_path=${COTERIE_REPORTS}/${name}:log_exe_name=1")
    set(${variable} "ASAN_OPTIONS=${log}" "UBSAN_OPTIONS=${log}:print_stacktrace=1"
        "TSAN_OPTIONS=${log}:second_deadlock_stack=1" PARENT_SCOPE)
endfunction()

# coterie_watch_for_reports(<ctest entry>)
function(coterie_watch_for_reports name)
    if(COTERIE_SANITIZE)
        coterie_sanitizer_options(options ${name})
        set_tests_properties(${name} PROPERTIES ENVIRONMENT "${options}" FIXTURES_REQUIRED sanitizer_reports)
    endif()
endfunction()

# The entries around all others; ctest adds them to whatever it selects. And one that shows that a fault is noticed.
function(coterie_sanitizer_tests)
    if(NOT COTERIE_SANITIZE OR COTERIE_FUZZ)
        return()
    endif()
    set(script python3 "${CMAKE_SOURCE_DIR}/tests/build/sanitizer_reports.py")
    add_test(NAME sanitizer_reports_before COMMAND ${script} --remove "${COTERIE_REPORTS}")
    set_tests_properties(sanitizer_reports_before PROPERTIES FIXTURES_SETUP sanitizer_reports TIMEOUT 60)
    add_test(NAME sanitizer_reports COMMAND ${script} "${COTERIE_REPORTS}")
    set_tests_properties(sanitizer_reports PROPERTIES FIXTURES_CLEANUP sanitizer_reports TIMEOUT 60)

    find_package(Threads REQUIRED)
    add_executable(planted_fault "${CMAKE_SOURCE_DIR}/tests/build/planted_fault.cpp")
    target_link_libraries(planted_fault PRIVATE Threads::Threads coterie_warnings)
    set_target_properties(planted_fault PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
    coterie_sanitizer_options(options planted/fault)
    add_test(NAME sanitizer_notices
        COMMAND ${script} --made-by "$<TARGET_FILE:planted_fault>" "${COTERIE_REPORTS}/planted")
    coterie_test_properties(sanitizer_notices TIMEOUT 60 PROGRAM planted_fault LABELS sanitize threads)
    set_tests_properties(sanitizer_notices PROPERTIES ENVIRONMENT "${options}")
endfunction()
