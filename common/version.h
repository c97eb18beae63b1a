#pragma once

namespace hotplugger {

// As in CMakeLists.txt; every program's --version says it.
inline constexpr char kVersion[] = HOTPLUGGER_VERSION;

}  // namespace hotplugger
