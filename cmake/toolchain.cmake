# Warnings, sanitizers, the linker and the compiler cache.
# Designated initialisers leave the rest to its defaults: that is what they are for.
add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wno-missing-field-initializers -Werror -fno-omit-frame-pointer)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC 12 reports these falsely inside coroutine frames and std::expected once it inlines.
  add_compile_options(-Wno-maybe-uninitialized -Wno-restrict -Wno-dangling-pointer -Wno-stringop-overflow -Wno-array-bounds -Wno-free-nonheap-object -Wno-mismatched-new-delete -Wno-null-dereference)
  # The same of the operator delete of a coroutine's frame, where it optimizes.
  add_compile_options($<$<CONFIG:RelWithDebInfo>:-Wno-mismatched-new-delete>)
endif()
if(EBB_UNITY)
  # What one file calls another may have in a function; where files are compiled alone, the warning holds.
  add_compile_options(-Wno-shadow)
endif()
if(EBB_SANITIZE)
  add_compile_options(-fsanitize=${EBB_SANITIZE} -fno-sanitize-recover=all -Wno-mismatched-new-delete)
  add_link_options(-fsanitize=${EBB_SANITIZE})
  if(EBB_SANITIZE MATCHES "thread")
    add_compile_options(-Wno-tsan)
  endif()
endif()

find_program(EBB_MOLD mold)
if(EBB_MOLD)
  add_link_options(-fuse-ld=mold)
endif()
find_program(EBB_CCACHE ccache)
if(EBB_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${EBB_CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${EBB_CCACHE})
endif()
