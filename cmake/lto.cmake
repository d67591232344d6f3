# The programs are optimized as a whole at their link (gcc, not Debug): their small functions lie in
# many files. Objects hold machine code too, and tests are linked from that: they put functions of
# their own in the place of the system's, which must stay calls, and they link sooner.

if (CMAKE_C_COMPILER_ID STREQUAL "GNU" AND NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
    add_compile_options (-flto=auto -ffat-lto-objects)
    set (ZCHAT_NOT_WHOLE -fno-lto) # a link option
endif ()
