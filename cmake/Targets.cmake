# One library a folder; one test program a set of folders.

# hotplugger_library(NAME SOURCES ... DEPENDS ...): DEPENDS is public.
function(hotplugger_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPENDS" ${ARGN})
  add_library(${name} STATIC ${arg_SOURCES})
  target_include_directories(${name} PUBLIC ${CMAKE_SOURCE_DIR})
  target_link_libraries(${name} PUBLIC ${arg_DEPENDS} PRIVATE hotplugger_warnings)
endfunction()

# hotplugger_program(NAME [NOT_INSTALLED] SOURCES ... DEPENDS ...): goes to bin/.
function(hotplugger_program name)
  cmake_parse_arguments(arg "NOT_INSTALLED" "" "SOURCES;DEPENDS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${arg_DEPENDS} hotplugger_warnings)
  if(NOT arg_NOT_INSTALLED)
    install(TARGETS ${name} RUNTIME DESTINATION bin)
  endif()
endfunction()

# All test programs that are free of gRPC; what the thread sanitizer builds.
add_custom_target(core_tests)

# hotplugger_test(NAME LABEL label SOURCES ... DEPENDS ...): one gtest program, a CTest test a case.
# LABEL core: free of gRPC, runs under the thread sanitizer too. LABEL grpc: not so.
function(hotplugger_test name)
  cmake_parse_arguments(arg "" "LABEL" "SOURCES;DEPENDS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${arg_DEPENDS} GTest::gmock GTest::gtest_main
    hotplugger_warnings)
  target_compile_definitions(${name} PRIVATE
    HOTPLUGGER_SOURCE_DIR="${CMAKE_SOURCE_DIR}" HOTPLUGGER_BIN_DIR="${CMAKE_BINARY_DIR}/bin")
  if(arg_LABEL STREQUAL "core")
    add_dependencies(core_tests ${name})
  endif()
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  gtest_discover_tests(${name} DISCOVERY_MODE PRE_TEST
    PROPERTIES LABELS ${arg_LABEL} TIMEOUT 120)
endfunction()
