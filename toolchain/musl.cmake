# SPDX-License-Identifier: GPL-2.0-or-later
#
# CMake toolchain file: a static program on musl, with the toolchain that toolchain/setup has brought into the cache.
# LIFEBOAT_ARCH chooses the architecture, x86_64 by default.

if(NOT LIFEBOAT_ARCH)
  set(LIFEBOAT_ARCH x86_64)
endif()
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES LIFEBOAT_ARCH)

execute_process(
  COMMAND ${CMAKE_CURRENT_LIST_DIR}/setup --arch ${LIFEBOAT_ARCH} --print
  OUTPUT_VARIABLE LIFEBOAT_TOOLCHAIN OUTPUT_STRIP_TRAILING_WHITESPACE
  ERROR_VARIABLE error ERROR_STRIP_TRAILING_WHITESPACE RESULT_VARIABLE result)
if(result)
  message(FATAL_ERROR "${error}")
endif()

set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR ${LIFEBOAT_ARCH})
set(CMAKE_C_COMPILER clang-19)
set(CMAKE_CXX_COMPILER clang++-19)
set(CMAKE_AR /usr/bin/llvm-ar-19 CACHE FILEPATH "")
set(CMAKE_RANLIB /usr/bin/llvm-ranlib-19 CACHE FILEPATH "")
set(CMAKE_STRIP /usr/bin/llvm-strip-19 CACHE FILEPATH "")
set(CMAKE_SYSROOT ${LIFEBOAT_TOOLCHAIN}/sysroot)
set(CMAKE_FIND_ROOT_PATH ${CMAKE_SYSROOT})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)

# Options of the folder and not CMAKE_CXX_FLAGS, which stay in CMakeCache.txt with the path of an entry that is no longer the right
# one. CMake reads this file more than once in a run, hence the check.
get_directory_property(options COMPILE_OPTIONS)
if(NOT "--config=${LIFEBOAT_TOOLCHAIN}/clang.cfg" IN_LIST options)
  add_compile_options(--config=${LIFEBOAT_TOOLCHAIN}/clang.cfg)
  add_link_options(--config=${LIFEBOAT_TOOLCHAIN}/clang.cfg)
endif()
