#include "client/commands/host/cpu_rows.h"

#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "client/commands/host/device_view.h"

namespace hotplugger::client::host {
namespace {

// A cache by what CPUs have of it: level and type.
using CacheKind = std::pair<int, std::string>;

// Numbers for keys, from 0 in the order in which they first come.
template <typename Key>
class Numbering {
 public:
  std::string Of(const Key& key) {
    return absl::StrCat(numbers_.emplace(key, numbers_.size()).first->second);
  }

 private:
  std::map<Key, size_t> numbers_;
};

// The numbers of one CPU's place; "" where the kernel doesn't say.
class Places {
 public:
  std::string Socket(const v1::CpuTopology& cpu) {
    return cpu.has_package() ? sockets_.Of(cpu.package()) : "";
  }
  std::string Core(const v1::CpuTopology& cpu) {
    if (!cpu.has_core()) return "";
    return cores_.Of({cpu.package(), cpu.die(), cpu.core()});
  }

 private:
  Numbering<int> sockets_;
  Numbering<std::tuple<int, int, int>> cores_;
};

std::set<CacheKind> CacheKinds(const google::protobuf::RepeatedPtrField<v1::Device>& devices) {
  std::set<CacheKind> kinds;
  for (const v1::Device& device : devices) {
    for (const v1::CpuCache& cache : device.cpu().caches()) {
      kinds.emplace(cache.level(), cache.type());
    }
  }
  return kinds;
}

std::string CacheHeading(const std::set<CacheKind>& kinds) {
  return absl::StrJoin(kinds, ":", [](std::string* out, const CacheKind& kind) {
    v1::CpuCache cache;
    cache.set_level(kind.first);
    cache.set_type(kind.second);
    absl::StrAppend(out, CacheName(cache));
  });
}

// "0:0:0:1"; "-" for one that isn't known.
std::string CacheNumbers(const v1::CpuTopology& cpu, const std::set<CacheKind>& kinds) {
  std::map<CacheKind, std::string> numbers;
  for (const v1::CpuCache& cache : cpu.caches()) {
    if (cache.has_id()) numbers[{cache.level(), cache.type()}] = absl::StrCat(cache.id());
  }
  return absl::StrJoin(kinds, ":", [&numbers](std::string* out, const CacheKind& kind) {
    const auto found = numbers.find(kind);
    absl::StrAppend(out, found == numbers.end() ? "-" : found->second);
  });
}

}  // namespace

bool Wanted(CpuFilter filter, const v1::Device& cpu) {
  if (filter == CpuFilter::kAll) return true;
  return (cpu.state() == v1::DEVICE_STATE_ONLINE) == (filter == CpuFilter::kOnline);
}

Table CpuTable(const google::protobuf::RepeatedPtrField<v1::Device>& devices, CpuFilter filter) {
  const std::set<CacheKind> caches = CacheKinds(devices);
  std::vector<std::string> headings = {"CPU", "NODE", "SOCKET", "CORE"};
  if (!caches.empty()) headings.push_back(CacheHeading(caches));
  headings.insert(headings.end(), {"ONLINE", "HOTPLUGGABLE"});
  Table table(headings);
  table.AlignRight({0, 1, 2, 3});
  Places places;
  for (const v1::Device& device : devices) {
    if (device.kind() != v1::DEVICE_KIND_CPU) continue;
    const v1::CpuTopology& cpu = device.cpu();
    std::vector<std::string> row = {std::string(absl::StripPrefix(device.name(), "cpu")),
                                    cpu.has_node() ? absl::StrCat(cpu.node()) : "",
                                    places.Socket(cpu), places.Core(cpu)};
    if (!caches.empty()) row.push_back(CacheNumbers(cpu, caches));
    row.push_back(device.state() == v1::DEVICE_STATE_ONLINE ? "yes" : "no");
    row.push_back(device.hotpluggable() ? "yes" : "no");
    if (Wanted(filter, device)) table.AddRow(row);
  }
  return table;
}

}  // namespace hotplugger::client::host
