# What `cmake --install` puts where, beside the programs.

file (GLOB CONFIGURATION CONFIGURE_DEPENDS etc/*.cfg)
install (FILES ${CONFIGURATION} DESTINATION ${CMAKE_INSTALL_SYSCONFDIR}/zchat)

# systemd looks into lib/systemd/system under /usr and /usr/local alike.
set (ZCHAT_UNIT_DIR lib/systemd/system CACHE PATH "Folder of the systemd units")
file (GLOB UNITS CONFIGURE_DEPENDS systemd/*.service)
install (FILES ${UNITS} DESTINATION ${ZCHAT_UNIT_DIR})
install (FILES systemd/zchat.sysusers DESTINATION lib/sysusers.d RENAME zchat.conf)

file (GLOB DOCUMENTS CONFIGURE_DEPENDS README.md docs/*.md docs/*.svg)
install (FILES ${DOCUMENTS} DESTINATION ${CMAKE_INSTALL_DOCDIR})

# docs/man/zchat.1.scd becomes man1/zchat.1; scdoc alone tells of mistakes in it.
find_program (SCDOC scdoc REQUIRED)
file (GLOB MANUALS CONFIGURE_DEPENDS docs/man/*.scd)
foreach (source ${MANUALS})
    get_filename_component (page ${source} NAME_WLE)
    string (REGEX MATCH "[1-9]$" section ${page})
    set (output ${PROJECT_BINARY_DIR}/man/${page})
    add_custom_command (OUTPUT ${output} DEPENDS ${source} VERBATIM
                        COMMAND ${CMAKE_COMMAND} -E make_directory ${PROJECT_BINARY_DIR}/man
                        COMMAND sh -c "${SCDOC} < '${source}' > '${output}'")
    list (APPEND PAGES ${output})
    install (FILES ${output} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
endforeach ()
add_custom_target (manuals ALL DEPENDS ${PAGES})
