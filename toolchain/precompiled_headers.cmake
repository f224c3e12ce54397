# SPDX-License-Identifier: GPL-2.0-or-later
# The standard library's headers, compiled once for each set of flags instead of once for each file: with sanitizers that is a
# third of the building. Not for programs that are shipped: there each file's own #include lines are tried.

# precompile_headers(FOLDER): for all targets in and below it
function(precompile_headers folder)
  get_property(folders DIRECTORY ${folder} PROPERTY SUBDIRECTORIES)
  foreach(below IN LISTS folders)
    precompile_headers(${below})
  endforeach()
  get_property(targets DIRECTORY ${folder} PROPERTY BUILDSYSTEM_TARGETS)
  foreach(target IN LISTS targets)
    get_target_property(type ${target} TYPE)
    if(type MATCHES "EXECUTABLE|LIBRARY")
      _precompile_for(${target})
    endif()
  endforeach()
endfunction()

function(_precompile_for target)
  get_target_property(options ${target} COMPILE_OPTIONS)
  string(MD5 flags "${options}")
  get_property(owner GLOBAL PROPERTY lifeboat_headers_${flags})
  if(owner)
    target_precompile_headers(${target} REUSE_FROM ${owner})
    return()
  endif()
  set_property(GLOBAL PROPERTY lifeboat_headers_${flags} ${target})
  target_precompile_headers(${target} PRIVATE
    <algorithm> <array> <chrono> <cstdint> <expected> <filesystem> <format> <functional> <map> <memory> <optional> <ranges>
    <span> <string> <string_view> <utility> <vector>)
endfunction()
