# SPDX-License-Identifier: GPL-2.0-or-later
# The Debian package, which `cmake --build --preset release` makes too: build/release/lifeboat_VERSION_amd64.deb.
# What it installs where is told by lifeboat(8), FILES.
set(system ${CMAKE_SOURCE_DIR}/host/system)

# packed(RESULT SOURCE): the file as gzip has it, without its name and time, so that the same source gives the same bytes
function(packed result source)
  cmake_path(GET source FILENAME name)
  set(target ${CMAKE_BINARY_DIR}/package/${name}.gz)
  add_custom_command(OUTPUT ${target}
    COMMAND gzip -9 --no-name --stdout ${source} > ${target}
    DEPENDS ${source} VERBATIM)
  set(${result} ${target} PARENT_SCOPE)
endfunction()

# All destinations are relative to the package's root.
install(TARGETS lifeboat DESTINATION usr/sbin)
# init, as it goes into every initrd.
set(init_image ${CMAKE_BINARY_DIR}/package/init.img)
add_custom_command(OUTPUT ${init_image}
  COMMAND $<TARGET_FILE:pack-init> $<TARGET_FILE:init> ${init_image}
  DEPENDS pack-init init VERBATIM)
install(FILES ${init_image} DESTINATION usr/lib/lifeboat)
install(FILES ${system}/lifeboat.conf DESTINATION etc)
install(FILES ${system}/grub.cfg DESTINATION etc/default/grub.d RENAME lifeboat.cfg)
install(PROGRAMS ${system}/kernel-postinst DESTINATION etc/kernel/postinst.d RENAME zz-lifeboat)
install(PROGRAMS ${system}/kernel-postrm DESTINATION etc/kernel/postrm.d RENAME zz-lifeboat)
install(PROGRAMS ${system}/kernel-postinst ${system}/kernel-postrm DESTINATION usr/lib/lifeboat)
install(PROGRAMS ${system}/grub-entries DESTINATION etc/grub.d RENAME 42_lifeboat)
install(PROGRAMS ${system}/boot-complete ${system}/kexec-attribute ${system}/pack-rescue ${system}/refresh-boot-menu
  DESTINATION usr/lib/lifeboat)
install(PROGRAMS ${system}/kernel-install DESTINATION usr/lib/kernel/install.d RENAME 95-lifeboat.install)
file(GLOB units CONFIGURE_DEPENDS ${system}/*.service ${system}/*.timer)
install(FILES ${units} DESTINATION usr/lib/systemd/system)
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/package)
# Enabled by another package's unit, which need not be there.
file(CREATE_LINK ../lifeboat-links.service ${CMAKE_BINARY_DIR}/package/lifeboat-links.service SYMBOLIC)
install(FILES ${CMAKE_BINARY_DIR}/package/lifeboat-links.service DESTINATION usr/lib/systemd/system/kdump-tools.service.wants)
install(FILES ${system}/98-lifeboat.rules DESTINATION usr/lib/udev/rules.d)

set(packed_files ${init_image})
file(GLOB pages CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/docs/*.[58])
foreach(page IN LISTS pages)
  packed(file ${page})
  list(APPEND packed_files ${file})
  string(REGEX REPLACE ".*\\." "" section ${page})
  install(FILES ${file} DESTINATION usr/share/man/man${section})
endforeach()
# Made by the program itself.
foreach(shell bash zsh)
  set(file ${CMAKE_BINARY_DIR}/package/completion.${shell})
  add_custom_command(OUTPUT ${file}
    COMMAND $<TARGET_FILE:lifeboat> completion ${shell} > ${file}
    DEPENDS lifeboat VERBATIM)
  list(APPEND packed_files ${file})
endforeach()
install(FILES ${CMAKE_BINARY_DIR}/package/completion.bash DESTINATION usr/share/bash-completion/completions
  RENAME lifeboat)
install(FILES ${CMAKE_BINARY_DIR}/package/completion.zsh DESTINATION usr/share/zsh/vendor-completions
  RENAME _lifeboat)
packed(file ${system}/debian/changelog)
list(APPEND packed_files ${file})
install(FILES ${file} ${system}/debian/copyright DESTINATION usr/share/doc/lifeboat)
install(FILES ${system}/debian/lintian-overrides DESTINATION usr/share/lintian/overrides RENAME lifeboat)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGING_INSTALL_PREFIX /)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE
  WORLD_READ WORLD_EXECUTE)
set(CPACK_PACKAGE_VENDOR lifeboat)
set(CPACK_PACKAGE_CONTACT "The lifeboat authors <lifeboat@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "crash-dump and rescue system")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
  "After a kernel panic a second kernel boots in memory that was reserved for it;
lifeboat is its only program and saves the kernel log and the filtered,
compressed memory for crash and drgn, then reboots. On the healthy machine it
packs the initrd for that, loads it, and tells whether it would work.")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE amd64)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
# The programs are static, deb-systemd-helper is essential: nothing to depend on.
set(CPACK_DEBIAN_PACKAGE_DEPENDS "")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "crash, python3-drgn")
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
  ${system}/debian/conffiles ${system}/debian/postinst ${system}/debian/prerm ${system}/debian/postrm)
include(CPack)

# CPack's own target would build everything first, the harness and the benchmarks too.
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY ON)
file(GLOB_RECURSE system_files CONFIGURE_DEPENDS ${system}/*)
set(package ${CMAKE_BINARY_DIR}/lifeboat_${PROJECT_VERSION}_amd64.deb)
add_custom_command(OUTPUT ${package}
  COMMAND ${CMAKE_CPACK_COMMAND} --config ${CMAKE_BINARY_DIR}/CPackConfig.cmake
  DEPENDS lifeboat ${packed_files} ${system_files} ${CMAKE_CURRENT_LIST_FILE}
  WORKING_DIRECTORY ${CMAKE_BINARY_DIR} VERBATIM)
add_custom_target(deb ALL DEPENDS ${package})
