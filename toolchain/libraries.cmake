# SPDX-License-Identifier: GPL-2.0-or-later
#
# include(toolchain/libraries.cmake) after project(): the libraries from outside, under one name for every preset.
#
#   lifeboat::blkid  lifeboat::mount  lifeboat::zstd  lifeboat::zlib  lifeboat::kmod
#   lifeboat::archive  lifeboat::bzip2  lifeboat::lz4  lifeboat::lzma
#   lifeboat::lzo       for musl it only decompresses
#   lifeboat::xxhash    a header: define XXH_INLINE_ALL before it
#   lifeboat::doctest   not for musl: doctest needs iostream, which the lean libc++ does not have
#   lifeboat::fuzzer    only in the preset fuzz: libFuzzer's main(), for the fuzz targets' link lines
#
# Static ones out of the toolchain's sysroot for musl (LIFEBOAT_TOOLCHAIN is set), Debian's shared ones otherwise.

include_guard(GLOBAL)

if(LIFEBOAT_TOOLCHAIN)
  # A changed toolchain is another entry in the cache: configure again, rather than go on with the old one.
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS
    ${CMAKE_CURRENT_LIST_DIR}/setup ${CMAKE_CURRENT_LIST_DIR}/d2fixed.cc)
  foreach(library blkid mount uuid zstd zlib=z lzo=lzo2 kmod archive bzip2=bz2 lz4 lzma)
    string(REGEX REPLACE "=.*" "" name ${library})
    string(REGEX REPLACE ".*=" "" file ${library})
    add_library(lifeboat::${name} STATIC IMPORTED GLOBAL)
    set_target_properties(lifeboat::${name} PROPERTIES IMPORTED_LOCATION ${LIFEBOAT_TOOLCHAIN}/sysroot/usr/lib/lib${file}.a)
  endforeach()
  target_link_libraries(lifeboat::blkid INTERFACE lifeboat::uuid)
  target_link_libraries(lifeboat::mount INTERFACE lifeboat::blkid)
else()
  find_package(PkgConfig REQUIRED)
  foreach(module blkid mount libzstd zlib lzo2 libkmod libarchive liblz4 liblzma)
    string(REGEX REPLACE "^lib|2$" "" name ${module})
    pkg_check_modules(lifeboat_${name} REQUIRED QUIET IMPORTED_TARGET GLOBAL ${module})
    add_library(lifeboat::${name} ALIAS PkgConfig::lifeboat_${name})
  endforeach()
  find_library(LIFEBOAT_BZIP2_LIBRARY bz2 REQUIRED) # Debian has no .pc file of it
  add_library(lifeboat::bzip2 UNKNOWN IMPORTED GLOBAL)
  set_target_properties(lifeboat::bzip2 PROPERTIES IMPORTED_LOCATION ${LIFEBOAT_BZIP2_LIBRARY})
  find_package(doctest REQUIRED)
  add_library(lifeboat::doctest ALIAS doctest::doctest)
endif()
find_path(LIFEBOAT_XXHASH_HEADER xxhash.h REQUIRED)
add_library(lifeboat::xxhash INTERFACE IMPORTED GLOBAL)

if(LIFEBOAT_FUZZ)
  add_library(lifeboat::fuzzer INTERFACE IMPORTED GLOBAL)
  target_link_options(lifeboat::fuzzer INTERFACE -fsanitize=fuzzer)
  # Debian's libFuzzer is built with libstdc++ (clang turns a plain -lstdc++ into libc++); what we compile stays with libc++.
  target_link_libraries(lifeboat::fuzzer INTERFACE -l:libstdc++.so.6)
endif()
