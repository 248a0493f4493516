# SPDX-License-Identifier: BSD-3-Clause
#
# Where everything goes when it is installed, and the four Debian packages that are made of it:
#
#   coterie             the daemon: what every node of a cluster needs
#   coterie-tools       the command line; it speaks to daemons of its own release only
#   libcpg4-coterie     the libraries, in place of Debian's libcpg4 and libcorosync-common4
#   libcoterie-cpg-dev  headers, links and pkg-config files, in place of Debian's libcpg-dev and libcorosync-common-dev
#
# The libraries have the file names and sonames of Corosync's, so that programs need not be built again. Two packages
# cannot own one file: ours conflicts with Debian's and replaces it. It also provides it, in the version whose interface
# it implements, so that programs packaged for Debian's stay installed when the one takes the other's place.

include(GNUInstallDirs)

# Debian's linker and pkg-config look here below /usr and /usr/local alike.
if(CMAKE_LIBRARY_ARCHITECTURE AND EXISTS /etc/debian_version)
    set(CMAKE_INSTALL_LIBDIR "lib/${CMAKE_LIBRARY_ARCHITECTURE}")
endif()
# Packaging takes what was built, and does not build tests first.
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)

# The release of Corosync whose interface the libraries have.
set(COTERIE_PEER_VERSION 3.1.7)

# Components are named as the packages.
set(COTERIE_DAEMON_PACKAGE coterie)
set(COTERIE_TOOLS_PACKAGE coterie-tools)
set(COTERIE_LIBRARY_PACKAGE libcpg4-coterie)
set(COTERIE_DEVELOPMENT_PACKAGE libcoterie-cpg-dev)

# coterie_install(): install rules for all targets that there are, and their packages. Call it once, last.
function(coterie_install)
    # What is made for sanitizers is not for users.
    if(COTERIE_SANITIZE OR NOT TARGET coteried OR NOT TARGET coterie OR NOT TARGET cpg OR NOT TARGET corosync_common)
        return()
    endif()
    _coterie_install_daemon()
    _coterie_install_tools()
    _coterie_install_libraries()
    foreach(package ${COTERIE_DAEMON_PACKAGE} ${COTERIE_TOOLS_PACKAGE} ${COTERIE_LIBRARY_PACKAGE}
            ${COTERIE_DEVELOPMENT_PACKAGE})
        install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/${package}"
            COMPONENT ${package} RENAME copyright)
    endforeach()
    _coterie_debian_packages()
endfunction()

# _coterie_install_manual(<package> <page>...): pages of man/ into the folders of their sections.
function(_coterie_install_manual package)
    foreach(page ${ARGN})
        cmake_path(GET page EXTENSION LAST_ONLY section)
        string(SUBSTRING "${section}" 1 -1 section)
        install(FILES "${page}" DESTINATION "${CMAKE_INSTALL_MANDIR}/man${section}" COMPONENT ${package})
    endforeach()
endfunction()

function(_coterie_install_daemon)
    install(TARGETS coteried RUNTIME DESTINATION "${CMAKE_INSTALL_SBINDIR}" COMPONENT ${COTERIE_DAEMON_PACKAGE})
    install(FILES "${PROJECT_SOURCE_DIR}/packaging/coteried.service" DESTINATION lib/systemd/system
        COMPONENT ${COTERIE_DAEMON_PACKAGE})
    # Only an example: a file in /etc/coterie would hide a corosync.conf that is to be taken over.
    install(FILES "${PROJECT_SOURCE_DIR}/packaging/coterie.conf.example"
        DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/coterie/examples" COMPONENT ${COTERIE_DAEMON_PACKAGE})
    _coterie_install_manual(${COTERIE_DAEMON_PACKAGE}
        "${PROJECT_SOURCE_DIR}/man/coteried.8" "${PROJECT_SOURCE_DIR}/man/coterie.conf.5")
endfunction()

function(_coterie_install_tools)
    install(TARGETS coterie RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}" COMPONENT ${COTERIE_TOOLS_PACKAGE})
    install(FILES "${PROJECT_SOURCE_DIR}/examples/demo.txt" DESTINATION "${CMAKE_INSTALL_DATADIR}/coterie"
        COMPONENT ${COTERIE_TOOLS_PACKAGE})
    _coterie_install_manual(${COTERIE_TOOLS_PACKAGE} "${PROJECT_SOURCE_DIR}/man/coterie.8")
    # The program knows its own words.
    set(folder "${PROJECT_BINARY_DIR}/completion")
    add_custom_command(TARGET coterie POST_BUILD
        COMMAND "${CMAKE_COMMAND}" -E make_directory "${folder}"
        COMMAND $<TARGET_FILE:coterie> completion bash > "${folder}/coterie"
        COMMAND $<TARGET_FILE:coterie> completion zsh > "${folder}/_coterie"
        VERBATIM)
    install(FILES "${folder}/coterie" DESTINATION "${CMAKE_INSTALL_DATADIR}/bash-completion/completions"
        COMPONENT ${COTERIE_TOOLS_PACKAGE})
    install(FILES "${folder}/_coterie" DESTINATION "${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions"
        COMPONENT ${COTERIE_TOOLS_PACKAGE})
endfunction()

function(_coterie_install_libraries)
    install(TARGETS cpg corosync_common LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}"
        COMPONENT ${COTERIE_LIBRARY_PACKAGE} NAMELINK_COMPONENT ${COTERIE_DEVELOPMENT_PACKAGE})
    install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/corosync" "${PROJECT_SOURCE_DIR}/include/coterie"
        DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
        COMPONENT ${COTERIE_DEVELOPMENT_PACKAGE} FILES_MATCHING PATTERN "*.h")
    # The files are found by where they lie, so that a tree may be moved.
    cmake_path(SET folder "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
    file(RELATIVE_PATH COTERIE_PREFIX_FROM_PKGCONFIG "/${folder}" "/")
    string(REGEX REPLACE "/$" "" COTERIE_PREFIX_FROM_PKGCONFIG "${COTERIE_PREFIX_FROM_PKGCONFIG}")
    foreach(name libcpg libcorosync_common)
        configure_file("${PROJECT_SOURCE_DIR}/packaging/${name}.pc.in" "${PROJECT_BINARY_DIR}/generated/${name}.pc" @ONLY)
        install(FILES "${PROJECT_BINARY_DIR}/generated/${name}.pc" DESTINATION "${folder}"
            COMPONENT ${COTERIE_DEVELOPMENT_PACKAGE})
    endforeach()
    file(GLOB examples CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/examples/*.cpp" "${PROJECT_SOURCE_DIR}/examples/*.c")
    install(FILES ${examples}
        DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/${COTERIE_DEVELOPMENT_PACKAGE}/examples"
        COMPONENT ${COTERIE_DEVELOPMENT_PACKAGE})
    file(GLOB pages CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/man/*.3" "${PROJECT_SOURCE_DIR}/man/cpg_*.8")
    _coterie_install_manual(${COTERIE_DEVELOPMENT_PACKAGE} ${pages})
endfunction()

# _coterie_package(<name> SECTION <s> SUMMARY <line> TEXT <lines> [DEPENDS <d>] [<field> <value>]...)
# Sets what CPack wants to know of a package in the scope of the caller.
macro(_coterie_package name)
    cmake_parse_arguments(package "" "SECTION;SUMMARY;TEXT;DEPENDS;RECOMMENDS;SUGGESTS;PROVIDES" "SCRIPTS" ${ARGN})
    string(TOUPPER "${name}" upper)
    set(CPACK_DEBIAN_${upper}_PACKAGE_NAME "${name}")
    set(CPACK_DEBIAN_${upper}_PACKAGE_SECTION "${package_SECTION}")
    set(CPACK_DEBIAN_${upper}_DESCRIPTION "${package_SUMMARY}\n${package_TEXT}")
    set(CPACK_COMPONENT_${upper}_DESCRIPTION "${package_SUMMARY}\n${package_TEXT}")
    foreach(field DEPENDS RECOMMENDS SUGGESTS)
        if(package_${field})
            set(CPACK_DEBIAN_${upper}_PACKAGE_${field} "${package_${field}}")
        endif()
    endforeach()
    if(package_PROVIDES)
        string(REGEX REPLACE " \\([^)]*\\)" "" names "${package_PROVIDES}")
        set(CPACK_DEBIAN_${upper}_PACKAGE_PROVIDES "${package_PROVIDES}")
        set(CPACK_DEBIAN_${upper}_PACKAGE_CONFLICTS "${names}")
        set(CPACK_DEBIAN_${upper}_PACKAGE_REPLACES "${names}")
    endif()
    if(package_SCRIPTS)
        list(TRANSFORM package_SCRIPTS PREPEND "${PROJECT_SOURCE_DIR}/packaging/debian/")
        set(CPACK_DEBIAN_${upper}_PACKAGE_CONTROL_EXTRA "${package_SCRIPTS}")
    endif()
endmacro()

function(_coterie_debian_packages)
    set(CPACK_GENERATOR DEB)
    set(CPACK_PACKAGE_NAME coterie)
    set(CPACK_PACKAGE_VENDOR "The Coterie authors")
    set(CPACK_PACKAGE_CONTACT "The Coterie authors <maintainers@coterie.invalid>")
    set(CPACK_PACKAGE_VERSION "${PROJECT_VERSION}")
    set(CPACK_PACKAGE_DIRECTORY "${PROJECT_BINARY_DIR}/packages")
    set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
    set(CPACK_STRIP_FILES ON)
    set(CPACK_COMPONENTS_ALL ${COTERIE_DAEMON_PACKAGE} ${COTERIE_TOOLS_PACKAGE} ${COTERIE_LIBRARY_PACKAGE}
        ${COTERIE_DEVELOPMENT_PACKAGE})
    set(CPACK_COMPONENTS_GROUPING ONE_PER_GROUP)
    set(CPACK_DEB_COMPONENT_INSTALL ON)
    set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
    set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
    set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
    set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
    # The tools are linked to our libcpg, which no installed package owns yet.
    set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS "${CMAKE_LIBRARY_OUTPUT_DIRECTORY}")

    set(release "${PROJECT_VERSION}-1")
    set(peer "(= ${COTERIE_PEER_VERSION})")
    _coterie_package(${COTERIE_DAEMON_PACKAGE}
        SECTION admin SUMMARY "closed process groups: the daemon"
        TEXT "Processes on one machine or many join groups, send messages that all members receive\nin one agreed order, and learn at the same point of that order who came and went.\nThis is the daemon that does the work, one on every machine. It reads corosync.conf."
        RECOMMENDS "libcpg4-coterie, coterie-tools"
        SCRIPTS coterie/postinst coterie/prerm coterie/postrm)
    _coterie_package(${COTERIE_TOOLS_PACKAGE}
        SECTION admin SUMMARY "closed process groups: the command line"
        TEXT "Shows what a daemon knows of its cluster, joins groups from a shell, and demonstrates\nand checks what Coterie promises."
        DEPENDS "libcpg4-coterie (= ${release})" RECOMMENDS "coterie (= ${release})" SUGGESTS bash-completion)
    _coterie_package(${COTERIE_LIBRARY_PACKAGE}
        SECTION libs SUMMARY "closed process groups: libcpg.so.4 and libcorosync_common.so.4"
        TEXT "The CPG libraries, binary compatible with those of Corosync ${COTERIE_PEER_VERSION}, on the daemon of\nCoterie. Programs for libcpg4 run on them unchanged."
        RECOMMENDS "coterie (= ${release})"
        PROVIDES "libcpg4 ${peer}, libcorosync-common4 ${peer}"
        SCRIPTS libraries/shlibs libraries/triggers libraries/postinst libraries/postrm)
    _coterie_package(${COTERIE_DEVELOPMENT_PACKAGE}
        SECTION libdevel SUMMARY "closed process groups: headers for programs in C and C++"
        TEXT "What programs are built with: <corosync/cpg.h>, <corosync/corotypes.h>, <coterie/pauses.h>, pkg-config files,\nand the manual of the calls."
        DEPENDS "libcpg4-coterie (= ${release})"
        PROVIDES "libcpg-dev ${peer}, libcorosync-common-dev ${peer}")
    include(CPack)
endfunction()
