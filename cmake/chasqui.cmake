# The functions that every CMakeLists.txt of ours uses: chasqui_library, chasqui_program, chasqui_test, chasqui_fuzz.
#
# A library is one line: its sources are all *.cc beside the CMakeLists.txt (and in the folders named by SUBDIRS), its
# tests all *_test.cc there. Warnings, sanitizers and hardening come with it, and nothing is set elsewhere.
#
# Which tests a build holds is told by their labels, so that each runs once, where it says most:
#   no label    dev build (sanitizers, all assertions)
#   release     release build: real processes under load, long simulations
#   threads     dev build, and again in the tsan build
#   slow        where it would be otherwise, but ./dev test leaves it out (./dev nightly runs it)
# CHASQUI_TESTS chooses: dev (all but release), release, threads, all, none.

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

option(CHASQUI_SANITIZE "comma list for -fsanitize=, e.g. address,undefined" "")
option(CHASQUI_FUZZ "build the libFuzzer targets (clang only)" OFF)
option(CHASQUI_SLOW_ASSERTS "checks beyond O(1): dev, sim and fuzz builds" OFF)
set(CHASQUI_TESTS dev CACHE STRING "which tests are built: dev, release, threads, all, none")

find_program(CCACHE ccache)
if(CCACHE)
  # Debug information and macros name paths relative to the source tree, so that build folders and clones share one
  # cache; the sloppiness is what ccache's manual asks for where headers are precompiled. Never include_file_mtime: with
  # it a header saved while a file is being compiled leaves a wrong object in the cache (it did: two layouts of one class).
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1
    CCACHE_SLOPPINESS=pch_defines,time_macros ${CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${CMAKE_CXX_COMPILER_LAUNCHER})
endif()

add_custom_target(chasqui_tests)  # every test of this build, and what they run

find_package(Threads REQUIRED)
find_package(absl REQUIRED)
find_package(Protobuf REQUIRED)
find_package(GTest REQUIRED)
find_package(OpenSSL REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(SODIUM REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(JEMALLOC REQUIRED IMPORTED_TARGET jemalloc)
find_library(RAPIDCHECK_LIBRARY rapidcheck REQUIRED)

add_library(chasqui_options INTERFACE)
target_include_directories(chasqui_options INTERFACE ${CMAKE_SOURCE_DIR})
target_compile_options(chasqui_options INTERFACE
  -ffile-prefix-map=${CMAKE_SOURCE_DIR}/= -fno-omit-frame-pointer -fstack-protector-strong)
target_compile_definitions(chasqui_options INTERFACE _GLIBCXX_ASSERTIONS BOOST_ASIO_NO_DEPRECATED
  $<$<BOOL:${CHASQUI_SLOW_ASSERTS}>:CHASQUI_SLOW_ASSERTS=1>)
if(CHASQUI_SANITIZE)
  target_compile_options(chasqui_options INTERFACE -fsanitize=${CHASQUI_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(chasqui_options INTERFACE -fsanitize=${CHASQUI_SANITIZE})
else()
  target_compile_options(chasqui_options INTERFACE
    $<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE;-D_FORTIFY_SOURCE=2> -fstack-clash-protection
    $<$<STREQUAL:${CMAKE_SYSTEM_PROCESSOR},x86_64>:-fcf-protection>)
  target_link_options(chasqui_options INTERFACE -Wl,-z,relro,-z,now)
endif()
if(CHASQUI_FUZZ)
  target_compile_options(chasqui_options INTERFACE -fsanitize=fuzzer-no-link)
  target_link_options(chasqui_options INTERFACE -fsanitize=fuzzer-no-link)
endif()

add_library(chasqui_warnings INTERFACE)
target_compile_options(chasqui_warnings INTERFACE -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow
  -Wnon-virtual-dtor -Woverloaded-virtual -Wold-style-cast -Wcast-align -Wformat=2 -Wimplicit-fallthrough -Wswitch-enum
  $<$<CXX_COMPILER_ID:Clang>:-Wno-keyword-macro>  # core/replica/raft_c.h, where libraft's header is C11
  # std::stable_sort of libstdc++ 12 itself uses what it deprecates, which clang says at whoever calls it.
  $<$<CXX_COMPILER_ID:Clang>:-Wno-deprecated-declarations>
  -Werror)

if(CHASQUI_SANITIZE STREQUAL thread AND CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  target_compile_options(chasqui_warnings INTERFACE
    -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread -Wno-restrict)  # GCC 12 sees ghosts in what it instruments
endif()

# Half of what GCC does for one of our files is reading protobuf, Abseil and, in tests, GoogleTest and rapidcheck. They are
# read once instead. Not with clang: its builds (fuzz, lint) show an include that is missing.
function(chasqui_precompile name header)
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    target_precompile_headers(${name} REUSE_FROM ${header})
  endif()
endfunction()
# PROGRAM: for the files of programs, which CMake compiles with -fPIE instead of -fPIC; the two do not mix.
function(chasqui_precompiled_header name header)
  cmake_parse_arguments(arg "PROGRAM" "" "DEPS" ${ARGN})
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    file(CONFIGURE OUTPUT ${CMAKE_CURRENT_BINARY_DIR}/${name}.cc CONTENT "// What ${name} is attached to.\n")
    add_library(${name} STATIC ${CMAKE_CURRENT_BINARY_DIR}/${name}.cc)
    target_link_libraries(${name} PRIVATE chasqui_options chasqui_warnings ${arg_DEPS})
    target_precompile_headers(${name} PRIVATE ${header})
    if(arg_PROGRAM)
      set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE OFF COMPILE_OPTIONS -fPIE)
    endif()
  endif()
endfunction()

# chasqui_library(NAME [PRECOMPILED] [SUBDIRS dir...] [DEPS target...] [EXCLUDE regex...] [TEST_DEPS target...] [TEST_LABELS label...])
function(chasqui_library name)
  cmake_parse_arguments(arg "PRECOMPILED" "" "SUBDIRS;DEPS;TEST_DEPS;TEST_LABELS;EXCLUDE" ${ARGN})
  set(patterns ${CMAKE_CURRENT_SOURCE_DIR}/*.cc)
  foreach(sub ${arg_SUBDIRS})
    list(APPEND patterns ${CMAKE_CURRENT_SOURCE_DIR}/${sub}/*.cc)
  endforeach()
  file(GLOB sources CONFIGURE_DEPENDS ${patterns})
  set(tests ${sources})
  list(FILTER tests INCLUDE REGEX "_test\\.cc$")
  list(FILTER sources EXCLUDE REGEX "(_test|/main)\\.cc$")
  foreach(excluded ${arg_EXCLUDE})
    list(FILTER sources EXCLUDE REGEX "${excluded}")
  endforeach()
  if(sources)
    add_library(${name} STATIC ${sources})
    target_link_libraries(${name} PUBLIC chasqui_options ${arg_DEPS} PRIVATE chasqui_warnings)
    if(arg_PRECOMPILED)
      chasqui_precompile(${name} core_pch)
    endif()
  else()
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE chasqui_options ${arg_DEPS})
  endif()
  if(tests)
    chasqui_test(${name}_test SOURCES ${tests} DEPS ${name} ${arg_TEST_DEPS} LABELS ${arg_TEST_LABELS})
    if(arg_PRECOMPILED AND TARGET ${name}_test)
      chasqui_precompile(${name}_test test_pch)
    endif()
  endif()
endfunction()

# chasqui_program(NAME SOURCES file... [DEPS target...]): lands in build/<preset>/bin/
function(chasqui_program name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE chasqui_options chasqui_warnings ${arg_DEPS})
endfunction()

# chasqui_wanted(RESULT label...): is a test with these labels part of this build?
function(chasqui_wanted result)
  set(wanted OFF)
  if(CHASQUI_FUZZ OR CHASQUI_TESTS STREQUAL none)
  elseif(CHASQUI_TESTS STREQUAL all)
    set(wanted ON)
  elseif(CHASQUI_TESTS STREQUAL dev)
    if(NOT release IN_LIST ARGN)
      set(wanted ON)
    endif()
  elseif(CHASQUI_TESTS IN_LIST ARGN)
    set(wanted ON)
  endif()
  set(${result} ${wanted} PARENT_SCOPE)
endfunction()

# chasqui_test(NAME SOURCES file... [DEPS target...] [LABELS label...] [TIMEOUT seconds] [SERIAL]): GoogleTest with its
# own main, one CTest case for each TEST.
function(chasqui_test name)
  cmake_parse_arguments(arg "SERIAL" "TIMEOUT" "SOURCES;DEPS;LABELS" ${ARGN})
  chasqui_wanted(wanted ${arg_LABELS})
  if(NOT wanted)
    return()
  endif()
  add_executable(${name} ${arg_SOURCES})
  add_dependencies(chasqui_tests ${name})
  target_link_libraries(${name} PRIVATE chasqui_options chasqui_warnings ${arg_DEPS} GTest::gtest GTest::gmock
    GTest::gtest_main ${RAPIDCHECK_LIBRARY})
  target_compile_definitions(${name} PRIVATE CHASQUI_SOURCE_DIR="${CMAKE_SOURCE_DIR}"
    CHASQUI_BIN_DIR="${CMAKE_BINARY_DIR}/bin")
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  set(prefix)
  if(CHASQUI_TESTS STREQUAL threads)
    set(prefix tsan.)
  endif()
  # One label alone: of a list the discovery keeps the first, and takes the others for names of properties.
  set(label ${arg_LABELS})
  if(slow IN_LIST arg_LABELS)
    set(label slow)
  elseif(arg_LABELS)
    list(GET arg_LABELS 0 label)
  endif()
  set(properties TIMEOUT ${arg_TIMEOUT} LABELS "${label}")
  if(arg_SERIAL)
    list(APPEND properties RUN_SERIAL ON)
  endif()
  include(GoogleTest)
  gtest_discover_tests(${name} DISCOVERY_TIMEOUT 120 DISCOVERY_MODE PRE_TEST TEST_PREFIX "${prefix}"
    WORKING_DIRECTORY ${CMAKE_SOURCE_DIR} PROPERTIES ${properties})
endfunction()

# chasqui_fuzz(NAME SOURCES file... [DEPS target...] [BYTES_MAX n]): NAME_fuzz for libFuzzer in the fuzz build, with a
# CTest case of 20 s on its committed corpus (fuzz/corpora/NAME, dictionary fuzz/dictionaries/NAME.dict). In a dev build
# NAME_corpus, which only replays the corpus, so that an old finding is caught without clang.
function(chasqui_fuzz name)
  cmake_parse_arguments(arg "" "BYTES_MAX" "SOURCES;DEPS" ${ARGN})
  set(corpus ${CMAKE_SOURCE_DIR}/fuzz/corpora/${name})
  if(CHASQUI_FUZZ)
    add_executable(${name}_fuzz ${arg_SOURCES})
    target_link_libraries(${name}_fuzz PRIVATE chasqui_options chasqui_warnings ${arg_DEPS})
    target_link_options(${name}_fuzz PRIVATE -fsanitize=fuzzer)
    add_test(NAME fuzz.${name} COMMAND ${CMAKE_SOURCE_DIR}/fuzz/run $<TARGET_FILE:${name}_fuzz> ${name} 20
      WORKING_DIRECTORY ${CMAKE_SOURCE_DIR})
    set_tests_properties(fuzz.${name} PROPERTIES LABELS fuzz TIMEOUT 120)
    add_dependencies(chasqui_tests ${name}_fuzz)
  else()
    chasqui_wanted(wanted fuzz)
    if(wanted)
      add_executable(${name}_corpus ${arg_SOURCES} ${CMAKE_SOURCE_DIR}/fuzz/replay_main.cc)
      target_link_libraries(${name}_corpus PRIVATE chasqui_options chasqui_warnings ${arg_DEPS})
      add_test(NAME corpus.${name} COMMAND ${name}_corpus ${corpus})
      set_tests_properties(corpus.${name} PROPERTIES LABELS fuzz TIMEOUT 120)
      add_dependencies(chasqui_tests ${name}_corpus)
    endif()
  endif()
endfunction()
