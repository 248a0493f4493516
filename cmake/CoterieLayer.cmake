# SPDX-License-Identifier: BSD-3-Clause
#
# Makes a library of every layer and the products of the layers. A layer is a folder of src/; folders and files that
# are not there yet are passed over, so engineers add files and never edit this.

# coterie_layer(<name> [DEPENDS <layer>...] [USES <third party>...] [PURE] [MUTANTS] [EXPORTED])
#
# The static library coterie_<name> (coterie::<name>) of src/<name>/*.cpp but main.cpp, or an interface library while
# there is no .cpp. DEPENDS and PURE are also written to layers.txt for the test `layering`. MUTANTS makes
# coterie_<name>_mutants as well. EXPORTED code keeps default visibility: a version script decides what it shows.
function(coterie_layer name)
    cmake_parse_arguments(PARSE_ARGV 1 layer "PURE;MUTANTS;EXPORTED" "" "DEPENDS;USES")
    if(layer_UNPARSED_ARGUMENTS)
        message(FATAL_ERROR "coterie_layer(${name}): unexpected ${layer_UNPARSED_ARGUMENTS}")
    endif()

    string(JOIN " " depends ${layer_DEPENDS})
    set(row "${name}: ${depends}")
    if(layer_PURE)
        string(APPEND row " [pure]")
    endif()
    set_property(GLOBAL APPEND PROPERTY COTERIE_LAYER_ROWS "${row}")

    file(GLOB sources CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/src/${name}/*.cpp")
    file(GLOB headers CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/src/${name}/*.hpp")
    if(NOT sources AND NOT headers)
        return()
    endif()
    list(REMOVE_ITEM sources "${CMAKE_SOURCE_DIR}/src/${name}/main.cpp")
    _coterie_layer_library(coterie_${name} "")
    add_library(coterie::${name} ALIAS coterie_${name})
    set_property(GLOBAL APPEND PROPERTY COTERIE_LAYERS ${name})
    if(layer_MUTANTS)
        _coterie_layer_library(coterie_${name}_mutants _mutants)
        set_target_properties(coterie_${name}_mutants PROPERTIES EXCLUDE_FROM_ALL ON)
    endif()
endfunction()

# One library of a layer; reads `sources` and `layer_*` of its caller.
function(_coterie_layer_library target variant)
    if(sources)
        set(access PUBLIC)
        add_library(${target} STATIC ${sources})
        target_link_libraries(${target} PRIVATE coterie_warnings)
        if(layer_EXPORTED)
            set_target_properties(${target} PROPERTIES CXX_VISIBILITY_PRESET default VISIBILITY_INLINES_HIDDEN ON)
        endif()
        target_compile_definitions(${target} PRIVATE COTERIE_VERSION="${PROJECT_VERSION}")
    else()
        set(access INTERFACE)
        add_library(${target} INTERFACE)
    endif()
    target_include_directories(${target} ${access} "${CMAKE_SOURCE_DIR}/src" "${CMAKE_SOURCE_DIR}/include")
    target_link_libraries(${target} ${access} fmt::fmt)
    if(variant STREQUAL "_mutants")
        target_compile_definitions(${target} ${access} COTERIE_MUTANTS=1)
    endif()
    foreach(dependency IN LISTS layer_DEPENDS)
        if(TARGET coterie_${dependency}${variant})
            target_link_libraries(${target} ${access} coterie_${dependency}${variant})
        elseif(TARGET coterie_${dependency})
            target_link_libraries(${target} ${access} coterie_${dependency})
        endif()
    endforeach()
    foreach(library IN LISTS layer_USES)
        target_link_libraries(${target} ${access} coterie_third_party_${library})
    endforeach()
endfunction()

# Writes the table of layers, one `name: dependency... [pure]` a line.
function(coterie_write_layers file)
    get_property(rows GLOBAL PROPERTY COTERIE_LAYER_ROWS)
    string(JOIN "\n" text ${rows})
    file(CONFIGURE OUTPUT "${file}" CONTENT "${text}\n" @ONLY)
endfunction()

# `products` is everything a user runs or links, without tests.
add_custom_target(products)

# coterie_program(<name> LAYER <layer>): the program bin/<name> of src/<layer>/main.cpp.
function(coterie_program name)
    cmake_parse_arguments(PARSE_ARGV 1 program "" "LAYER" "")
    set(main "${CMAKE_SOURCE_DIR}/src/${program_LAYER}/main.cpp")
    # The glob makes the next build notice that the file has come.
    file(GLOB found CONFIGURE_DEPENDS "${main}")
    if(NOT found)
        return()
    endif()
    add_executable(${name} "${main}")
    target_compile_definitions(${name} PRIVATE COTERIE_VERSION="${PROJECT_VERSION}")
    target_link_libraries(${name} PRIVATE coterie_${program_LAYER} coterie_warnings)
    add_dependencies(products ${name})
endfunction()

# coterie_c_library(<name> SOURCES <folder of src> VERSION <x.y.z>)
#
# The shared library lib/lib<name>.so.<x> of the .cpp files of a folder. What it exports is in lib<name>.map beside them;
# all else is hidden. The layers that it uses are inside it.
function(coterie_c_library name)
    cmake_parse_arguments(PARSE_ARGV 1 library "" "SOURCES;VERSION" "")
    set(folder "${CMAKE_SOURCE_DIR}/src/${library_SOURCES}")
    file(GLOB map CONFIGURE_DEPENDS "${folder}/lib${name}.map")
    file(GLOB sources CONFIGURE_DEPENDS "${folder}/*.cpp")
    if(NOT map OR NOT sources)
        return()
    endif()

    string(REGEX MATCH "^[0-9]+" major "${library_VERSION}")
    if(TARGET coterie_${library_SOURCES})
        # The folder is a layer: its objects are there already.
        file(CONFIGURE OUTPUT "${CMAKE_BINARY_DIR}/generated/${name}.cpp" CONTENT "// The code is in the layer's archive.\n")
        add_library(${name} SHARED "${CMAKE_BINARY_DIR}/generated/${name}.cpp")
        target_link_libraries(${name} PRIVATE "$<LINK_LIBRARY:WHOLE_ARCHIVE,coterie_${library_SOURCES}>")
    else()
        add_library(${name} SHARED ${sources})
        set_target_properties(${name} PROPERTIES CXX_VISIBILITY_PRESET default)
        target_include_directories(${name} PRIVATE "${CMAKE_SOURCE_DIR}/src" "${CMAKE_SOURCE_DIR}/include")
        target_link_libraries(${name} PRIVATE coterie_warnings)
    endif()
    set_target_properties(${name} PROPERTIES VERSION ${library_VERSION} SOVERSION ${major} LINK_DEPENDS "${map}")
    target_include_directories(${name} INTERFACE "${CMAKE_SOURCE_DIR}/include")
    target_link_options(${name} PRIVATE "LINKER:--version-script=${map}")
    if(NOT COTERIE_SANITIZE)
        target_link_options(${name} PRIVATE "LINKER:-z,defs")
    endif()
    add_dependencies(products ${name})
endfunction()
