# SPDX-License-Identifier: BSD-3-Clause
#
# The libraries that others keep, all from Debian, each behind a name that layers give in USES.

find_package(Threads REQUIRED)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(OpenSSL 3 REQUIRED)
find_package(CLI11 REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(GTest REQUIRED)
find_package(benchmark REQUIRED)

find_path(ASIO_INCLUDE_DIR asio.hpp REQUIRED)
find_path(XXHASH_INCLUDE_DIR xxhash.h REQUIRED)
find_library(XXHASH_LIBRARY xxhash REQUIRED)
mark_as_advanced(ASIO_INCLUDE_DIR XXHASH_INCLUDE_DIR XXHASH_LIBRARY)

add_library(coterie_third_party_asio INTERFACE)
target_compile_definitions(coterie_third_party_asio INTERFACE ASIO_STANDALONE ASIO_NO_DEPRECATED)
target_link_libraries(coterie_third_party_asio INTERFACE Threads::Threads)

# Others use its header alone.
add_library(coterie_third_party_xxhash INTERFACE)
target_link_libraries(coterie_third_party_xxhash INTERFACE "${XXHASH_LIBRARY}")

# Debian's spdlog target says SPDLOG_COMPILED_LIB and SPDLOG_FMT_EXTERNAL itself.
add_library(coterie_third_party_spdlog ALIAS spdlog::spdlog)
add_library(coterie_third_party_openssl ALIAS OpenSSL::Crypto)
add_library(coterie_third_party_cli11 ALIAS CLI11::CLI11)
add_library(coterie_third_party_json ALIAS nlohmann_json::nlohmann_json)
