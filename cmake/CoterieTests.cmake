# SPDX-License-Identifier: BSD-3-Clause
#
# Finds the tests by where they lie, and offers coterie_test() to folders that have a CMakeLists.txt of their own.

# coterie_test(<name> SOURCES <file>... LINK <library>... [LABELS <label>...] [TIMEOUT <seconds>])
#
# A GoogleTest program build/tests/<name> and one ctest entry of that name. Tests include "ring/engine.hpp" and, for what
# tests share, "tests/..." from the repository's root.
function(coterie_test name)
    cmake_parse_arguments(PARSE_ARGV 1 test "" "TIMEOUT" "SOURCES;LINK;LABELS")
    add_executable(${name} ${test_SOURCES})
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests")
    target_include_directories(${name} PRIVATE "${CMAKE_SOURCE_DIR}")
    target_link_libraries(${name} PRIVATE ${test_LINK} GTest::gmock GTest::gtest_main coterie_warnings)
    target_compile_definitions(${name} PRIVATE COTERIE_SOURCE_DIR="${CMAKE_SOURCE_DIR}" COTERIE_BINARY_DIR="${CMAKE_BINARY_DIR}")
    add_test(NAME ${name} COMMAND ${name} --gtest_brief=1)
    if(NOT test_TIMEOUT)
        set(test_TIMEOUT 300)
    endif()
    coterie_test_properties(${name} TIMEOUT ${test_TIMEOUT} LABELS ${test_LABELS})
endfunction()

# coterie_test_properties(<ctest entry> TIMEOUT <seconds> [PROGRAM <target>] [LABELS <label>...]): what every ctest entry
# gets. The target tests_<label> builds the programs of all entries with that label, and no more: that of the entry's
# name, unless PROGRAM says another.
function(coterie_test_properties name)
    cmake_parse_arguments(PARSE_ARGV 1 test "" "TIMEOUT;PROGRAM" "LABELS")
    if(NOT test_PROGRAM)
        set(test_PROGRAM ${name})
    endif()
    set_tests_properties(${name} PROPERTIES
        TIMEOUT ${test_TIMEOUT} LABELS "${test_LABELS}")
    coterie_watch_for_reports(${name})
    foreach(label IN LISTS test_LABELS)
        if(NOT TARGET tests_${label})
            add_custom_target(tests_${label})
        endif()
        if(TARGET ${test_PROGRAM})
            add_dependencies(tests_${label} ${test_PROGRAM})
        endif()
    endforeach()
endfunction()

# tests/unit/<layer>/*_test.cpp: the program unit_<layer>, linked to that layer alone.
function(coterie_unit_tests)
    get_property(layers GLOBAL PROPERTY COTERIE_LAYERS)
    foreach(layer IN LISTS layers)
        file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/tests/unit/${layer}/*_test.cpp")
        if(sources)
            # The command line reads what its own user types, and takes longer to compile than all that others can reach.
            set(sample sanitize)
            if(layer STREQUAL "cli")
                set(sample)
            endif()
            # Those that start threads.
            if(layer MATCHES "^(client|daemon|ipc)$")
                list(APPEND sample threads)
            endif()
            coterie_test(unit_${layer} SOURCES ${sources} LINK coterie_${layer} LABELS unit ${sample})
        endif()
    endforeach()
endfunction()

# tests/sim/*_test.cpp: sim_tests, and tests/sim/mutants/*_test.cpp: mutant_tests, on the engine with its planted defects.
# tests/sim/CMakeLists.txt, when there is one, decides instead.
function(coterie_sim_tests)
    file(GLOB own CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/tests/sim/CMakeLists.txt")
    if(own)
        add_subdirectory(tests/sim)
        return()
    endif()
    file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/tests/sim/*_test.cpp")
    if(sources AND TARGET coterie_sim)
        coterie_test(sim_tests SOURCES ${sources} LINK coterie_sim LABELS sim TIMEOUT 600)
    endif()
    file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/tests/sim/mutants/*_test.cpp")
    if(sources AND TARGET coterie_sim_mutants)
        coterie_test(mutant_tests SOURCES ${sources} LINK coterie_sim_mutants LABELS mutants TIMEOUT 600)
    endif()
endfunction()

# tests/fuzz/<name>_fuzz.cpp, each with LLVMFuzzerTestOneInput: the program tests/fuzz/<name>_fuzz. With COTERIE_FUZZ a
# libFuzzer target; else a program that runs files, and the ctest entry fuzz_corpus_<name> runs all of
# tests/fuzz/corpus/<name>/ through it once.
function(coterie_fuzz_targets)
    file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/tests/fuzz/*_fuzz.cpp")
    foreach(source IN LISTS sources)
        cmake_path(GET source STEM program)
        string(REGEX REPLACE "_fuzz$" "" name "${program}")
        add_executable(${program} "${source}")
        set_target_properties(${program} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/tests/fuzz")
        target_include_directories(${program} PRIVATE "${CMAKE_SOURCE_DIR}")
        target_link_libraries(${program} PRIVATE coterie_warnings)
        foreach(layer trace wire crypto ring groups config ipc net)
            if(TARGET coterie_${layer})
                target_link_libraries(${program} PRIVATE coterie_${layer})
            endif()
        endforeach()
        if(COTERIE_FUZZ)
            target_link_options(${program} PRIVATE -fsanitize=fuzzer)
            add_dependencies(fuzzers ${program})
        else()
            target_sources(${program} PRIVATE "${CMAKE_SOURCE_DIR}/tests/fuzz/replay.cpp")
            add_test(NAME fuzz_corpus_${name} COMMAND ${program} "${CMAKE_SOURCE_DIR}/tests/fuzz/corpus/${name}")
            coterie_test_properties(fuzz_corpus_${name} TIMEOUT 120 PROGRAM ${program} LABELS fuzz sanitize)
        endif()
    endforeach()
endfunction()

if(COTERIE_FUZZ)
    add_custom_target(fuzzers)
endif()

# Every header of src/ and include/ compiles on its own: one small source a header, in the object library header_check.
# C headers are compiled as C and as C++.
function(_coterie_header_check)
    file(GLOB_RECURSE headers CONFIGURE_DEPENDS
        "${CMAKE_SOURCE_DIR}/src/*.hpp" "${CMAKE_SOURCE_DIR}/src/*.h"
        "${CMAKE_SOURCE_DIR}/include/*.hpp" "${CMAKE_SOURCE_DIR}/include/*.h")
    if(NOT headers)
        return()
    endif()
    set(sources)
    foreach(header IN LISTS headers)
        cmake_path(RELATIVE_PATH header BASE_DIRECTORY "${CMAKE_SOURCE_DIR}" OUTPUT_VARIABLE shown)
        set(languages cpp)
        if(header MATCHES "\\.h$")
            set(languages c cpp)
        endif()
        foreach(language IN LISTS languages)
            set(source "${CMAKE_BINARY_DIR}/generated/headers/${shown}.${language}")
            file(CONFIGURE OUTPUT "${source}" CONTENT "#include \"${header}\"\ntypedef int coterie_not_empty;\n")
            list(APPEND sources "${source}")
        endforeach()
    endforeach()
    add_library(header_check OBJECT EXCLUDE_FROM_ALL ${sources})
    target_include_directories(header_check PRIVATE "${CMAKE_SOURCE_DIR}/src" "${CMAKE_SOURCE_DIR}/include")
    target_compile_options(header_check PRIVATE -O0 -g0)
    target_link_libraries(header_check PRIVATE
        coterie_warnings fmt::fmt coterie_third_party_asio coterie_third_party_spdlog coterie_third_party_json)
    # With the lock that ./dev takes for a build.
    add_test(NAME headers_compile_alone
        COMMAND flock "${CMAKE_BINARY_DIR}/build.lock" "${CMAKE_COMMAND}" --build "${CMAKE_BINARY_DIR}" --target header_check --parallel 2)
    coterie_test_properties(headers_compile_alone TIMEOUT 600 LABELS build)
endfunction()

# _coterie_script_test(<name> <script of tests/build> [argument...])
function(_coterie_script_test name script)
    add_test(NAME ${name} COMMAND python3 "${CMAKE_SOURCE_DIR}/tests/build/${script}" ${ARGN})
    coterie_test_properties(${name} TIMEOUT 120 LABELS build)
    set_tests_properties(${name} PROPERTIES SKIP_RETURN_CODE 77)
endfunction()

function(coterie_tests_of_the_build)
    _coterie_header_check()
    _coterie_script_test(layering check_layers.py "${CMAKE_BINARY_DIR}/layers.txt" "${CMAKE_SOURCE_DIR}")
    _coterie_script_test(layering_notices check_layers_test.py)
    _coterie_script_test(licence_lines check_licence.py "${CMAKE_SOURCE_DIR}")
    _coterie_script_test(named_tests check_named_tests.py "${CMAKE_SOURCE_DIR}")
    _coterie_script_test(formatting check_format.py "${CMAKE_SOURCE_DIR}")
endfunction()

# Adds a folder that has a CMakeLists.txt.
function(coterie_optional_subdirectory folder)
    file(GLOB own CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/${folder}/CMakeLists.txt")
    if(own)
        add_subdirectory(${folder})
    endif()
endfunction()
