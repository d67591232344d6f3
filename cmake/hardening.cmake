# Every program is position independent, has its relocations read-only and its stack guarded, whatever
# the build type. FORTIFY needs an optimizer, so a Debug build goes without.

include (CheckCCompilerFlag)
include (CheckPIESupported)

check_pie_supported ()
set (CMAKE_POSITION_INDEPENDENT_CODE ON)
add_link_options (-Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack)
add_compile_options ($<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE>
                     $<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=3>)

foreach (flag stack-protector-strong stack-clash-protection cf-protection=full)
    string (MAKE_C_IDENTIFIER "ZCHAT_HAS_${flag}" has)
    check_c_compiler_flag (-f${flag} ${has})
    if (${has})
        add_compile_options (-f${flag})
    endif ()
endforeach ()
