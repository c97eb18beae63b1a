# The warnings that every target of ours is built with. Generated code comes in as SYSTEM.
add_library(hotplugger_warnings INTERFACE)
target_compile_options(hotplugger_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wnon-virtual-dtor -Wold-style-cast
  -Woverloaded-virtual -Wunused
  $<$<CXX_COMPILER_ID:Clang>:-Wthread-safety -Werror=thread-safety>
  $<$<BOOL:${HOTPLUGGER_WERROR}>:-Werror>)
