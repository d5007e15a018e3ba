# Precompiled headers: what nearly every file includes is parsed once for each of these, not 700
# times. GCC takes one only with the same flags, so there is one for each kind of code:
#   proa_pch        the program's code            proa_pch_pic   the same for shared objects
#   proa_pch_test   the program's headers and GoogleTest
# -DPROA_PCH=OFF builds without: it shows a file that does not include what it needs. What stands
# here should hardly ever change: each change compiles everything anew.
option(PROA_PCH "Precompile the most common headers (GCC only)" ON)
if(NOT CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  set(PROA_PCH OFF)
endif()

set(PROA_PCH_HEADERS <algorithm> <array> <atomic> <cerrno> <chrono> <cstdint> <cstdio> <cstring>
    <functional> <map> <memory> <mutex> <optional> <span> <string> <string_view>
    <unordered_map> <utility> <variant> <vector>
    ${CMAKE_SOURCE_DIR}/src/foundation/base/clock.h ${CMAKE_SOURCE_DIR}/src/foundation/base/file.h
    ${CMAKE_SOURCE_DIR}/src/foundation/base/result.h ${CMAKE_SOURCE_DIR}/src/foundation/base/strings.h
    ${CMAKE_SOURCE_DIR}/src/foundation/json/value.h)

function(proa_make_pch name)
  add_library(${name} OBJECT ${CMAKE_BINARY_DIR}/empty.cpp)
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR}/src)
  target_precompile_headers(${name} PRIVATE ${PROA_PCH_HEADERS} ${ARGN})
endfunction()

if(PROA_PCH)
  # The first lets ccache see which one was used; the second some libraries bring, and all flags
  # that define a macro have to be the same.
  add_compile_options(-fpch-preprocess -pthread)
  # GCC 12 forgets that what it inlines from a precompiled header is the standard library's, and
  # warns about std::string itself. A build without has these warnings.
  add_compile_options(-Wno-array-bounds -Wno-restrict -Wno-stringop-overflow -Wno-stringop-overread)
  file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/empty.cpp CONTENT "// A precompiled header needs a source.\n")
  proa_make_pch(proa_pch)
  proa_make_pch(proa_pch_pic)
  set_target_properties(proa_pch_pic PROPERTIES POSITION_INDEPENDENT_CODE ON CXX_VISIBILITY_PRESET hidden)
  if(PROA_TESTS)
    proa_make_pch(proa_pch_test <gtest/gtest.h>)
    target_link_libraries(proa_pch_test PRIVATE GTest::gtest)
  endif()
endif()

function(proa_use_pch target pch)
  if(PROA_PCH)
    set_target_properties(${target} PROPERTIES PRECOMPILE_HEADERS_REUSE_FROM ${pch})
  endif()
endfunction()
