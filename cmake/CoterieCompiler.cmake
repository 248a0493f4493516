# SPDX-License-Identifier: BSD-3-Clause
#
# The language, the warnings and the flags of every build type; ccache when it is there.

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_VISIBILITY_PRESET hidden)
set(CMAKE_VISIBILITY_INLINES_HIDDEN ON)
set(THREADS_PREFER_PTHREAD_FLAG ON)

# Assertions stay in every build type, so nothing here defines NDEBUG.
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1")
set(CMAKE_C_FLAGS_RELEASE "-O2 -g1")
set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g")
set(CMAKE_C_FLAGS_DEBUG "-O0 -g")
set(CMAKE_CXX_FLAGS_SANITIZE "-O1 -g1 -fno-omit-frame-pointer")
set(CMAKE_C_FLAGS_SANITIZE "-O1 -g1 -fno-omit-frame-pointer")
set(CMAKE_CXX_FLAGS_COVERAGE "-O1 -g0")
set(CMAKE_C_FLAGS_COVERAGE "-O1 -g0")
if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE Release CACHE STRING "Release, Debug, Sanitize or Coverage" FORCE)
endif()

set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/lib")
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/archive")

find_program(COTERIE_CCACHE ccache)
if(COTERIE_CCACHE)
    set(CMAKE_C_COMPILER_LAUNCHER "${COTERIE_CCACHE}")
    set(CMAKE_CXX_COMPILER_LAUNCHER "${COTERIE_CCACHE}")
endif()

# Messages of assertions name files as the repository does.
add_compile_options("-fmacro-prefix-map=${CMAKE_SOURCE_DIR}/=" -fstack-protector-strong)
# The standard library's own cheap bounds checks, in release builds too.
add_compile_definitions("$<$<COMPILE_LANGUAGE:CXX>:_GLIBCXX_ASSERTIONS>")

if(COTERIE_SANITIZE)
    add_compile_options("-fsanitize=${COTERIE_SANITIZE}" -fno-sanitize-recover=all)
    add_link_options("-fsanitize=${COTERIE_SANITIZE}")
endif()

if(CMAKE_BUILD_TYPE STREQUAL "Coverage")
    # Clang's. The counters lie in the profile itself, mapped: what a daemon did before it was killed is counted, too.
    add_compile_options(-fprofile-instr-generate -fcoverage-mapping "SHELL:-mllvm -runtime-counter-relocation")
    add_link_options(-fprofile-instr-generate)
endif()

# Warnings are errors. Apart from the layers nobody needs to name this: it is added to every target made here.
add_library(coterie_warnings INTERFACE)
target_compile_options(coterie_warnings INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Werror
    "$<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor;-Wold-style-cast;-Woverloaded-virtual>"
)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # These depend on what the optimiser happens to see, and GCC 12 is known to be wrong about library code inlined into
    # ours (GCC bug 105651 for -Wrestrict): shown, but not errors.
    target_compile_options(coterie_warnings INTERFACE
        -Wno-restrict -Wno-error=maybe-uninitialized -Wno-error=array-bounds -Wno-error=stringop-overflow
        -Wno-error=stringop-overread -Wno-error=dangling-pointer -Wno-error=free-nonheap-object
    )
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
    # libstdc++ 12 uses a function that it calls deprecated in std::stable_sort, and only GCC looks past that. GCC, which
    # builds what users run, still warns about ours.
    target_compile_options(coterie_warnings INTERFACE -Wno-deprecated-declarations)
    # Leaving out fields with initializers of their own is what designated initializers are for.
    target_compile_options(coterie_warnings INTERFACE -Wno-missing-designated-field-initializers)
endif()
