#include "client/commands/host/device_selection.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "client/commands/host/memory_range.h"
#include "common/byte_size.h"
#include "common/cpu_list.h"
#include "common/device_rules.h"
#include "common/error_info.h"
#include "common/number_list.h"

namespace hotplugger::client::host {
namespace {

constexpr int kMaxNode = 1023;

// The number of "cpu3" or "memory32" where `prefix` is "cpu" or "memory".
std::optional<int> NumberAfter(absl::string_view prefix, absl::string_view name, int largest) {
  if (!absl::ConsumePrefix(&name, prefix)) return std::nullopt;
  return ParseDeviceNumber(name, largest);
}

// The numbers of `names` where all of them have `prefix`.
std::optional<NumberSet> NumbersAfter(absl::string_view prefix,
                                      const std::vector<std::string>& names, int largest) {
  NumberSet numbers;
  for (const std::string& name : names) {
    const std::optional<int> number = NumberAfter(prefix, name, largest);
    if (!number) return std::nullopt;
    numbers.insert(*number);
  }
  return numbers;
}

void ReadDevices(const std::vector<std::string>& names, v1::DeviceTarget* target,
                 Violations* violations) {
  const size_t violations_before = violations->size();
  for (const std::string& name : names) CheckDeviceName("DEVICE", name, violations);
  if (violations->size() > violations_before) return;
  if (names.size() == 1) {
    target->set_device(names[0]);
  } else if (const auto cpus = NumbersAfter("cpu", names, kMaxCpuNumber)) {
    target->set_cpus(FormatCpuList(*cpus));
  } else if (const auto blocks = NumbersAfter("memory", names, kMaxMemoryBlock)) {
    target->set_memory_blocks(FormatNumberList(*blocks));
  } else {
    const auto odd = std::find_if(names.begin(), names.end(), [](const std::string& name) {
      return !NumberAfter("cpu", name, kMaxCpuNumber) &&
             !NumberAfter("memory", name, kMaxMemoryBlock);
    });
    const std::string problem =
        odd == names.end() ? "CPUs and memory blocks are mixed"
                           : absl::StrCat(Quoted(*odd), " is neither a CPU nor a memory block");
    violations->push_back(
        {"DEVICE", absl::StrCat(problem,
                                "; several devices are all CPUs or all memory blocks, "
                                "others take one command each")});
  }
}

// A list of `rules`, in its canonical form.
std::string ReadList(const std::string& flag, const std::string& text, const NumberListRules& rules,
                     Violations* violations) {
  if (text.empty()) {
    violations->push_back(
        {flag, absl::StrCat("the list is empty; name a ", rules.noun, ", e.g. ", rules.example)});
    return "";
  }
  return FormatNumberList(ValueOr(flag, ParseNumberList(text, rules), violations));
}

uint64_t ReadSize(const std::string& text, Violations* violations) {
  const absl::StatusOr<uint64_t> bytes = ParseByteSize(text);
  if (bytes.ok() && *bytes == 0) {
    violations->push_back({"--size", "0 selects nothing; give an amount, e.g. 4Gi"});
  }
  return ValueOr("--size", bytes, violations);
}

// The flags that select and are given, as a person writes them.
std::vector<std::string> GivenSelections(const SelectionFlags& flags) {
  std::vector<std::string> given;
  if (!flags.devices.empty()) given.push_back("DEVICE");
  if (flags.cpus) given.push_back("--cpus");
  if (flags.cores) given.push_back("--cores");
  if (flags.count) given.push_back("--count");
  if (flags.blocks) given.push_back("--blocks");
  if (flags.range) given.push_back("--range");
  if (flags.size) given.push_back("--size");
  if (flags.memory_node) given.push_back("--memory-node");
  return given;
}

void CheckOneIsGiven(const SelectionFlags& flags, Violations* violations) {
  const std::vector<std::string> given = GivenSelections(flags);
  if (given.empty()) {
    violations->push_back({"DEVICE",
                           "nothing is selected; name devices, or give one of --cpus, --cores, "
                           "--count, --blocks, --range, --size or --memory-node"});
  } else if (given.size() > 1) {
    violations->push_back({absl::StrJoin(given, ", "), "each selects devices; give one of them"});
  }
}

// A longer path stands before what it begins with.
constexpr FieldFlag kFieldFlags[] = {
    {"target.memory_amount.node", "--node"},
    {"target.memory_amount", "--size"},
    {"target.memory_blocks", "--blocks"},
    {"target.memory_node", "--memory-node"},
    {"target.memory_range", "--range"},
    {"target.cpu_count", "--count"},
    {"target.device", "DEVICE"},
    {"target.cores", "--cores"},
    {"target.cpus", "--cpus"},
    {"options.deadline", "--deadline"},
    {"options.plan", "--plan-stamp"},
    {"zone", "--zone"},
};

}  // namespace

absl::Status NameFlags(const absl::Status& status) {
  return client::NameFlags(status, kFieldFlags);
}

void DeclareSelection(Arguments& arguments, SelectionFlags* flags) {
  arguments.Rest(
      "DEVICE",
      "the kernel's name, e.g. cpu3, memory32 or container/PNP0A06:00; several where all "
      "are CPUs or all are memory blocks",
      &flags->devices);
  arguments.Value("--cpus", "LIST", "these CPUs, e.g. 2-3,8", &flags->cpus);
  arguments.Value("--cores", "LIST", "the whole cores that these CPUs belong to, all threads",
                  &flags->cores);
  arguments.Value("--count", "N",
                  "so many CPUs, of the agent's choice: secondary threads go first and come last",
                  &flags->count);
  arguments.Value("--blocks", "LIST", "these memory blocks, e.g. 32-39", &flags->blocks);
  arguments.Value("--range", "RANGE",
                  "memory by its physical addresses, hexadecimal: START-END with the last byte as "
                  "lsmem prints it (0x100000000-0x107ffffff), or START:SIZE "
                  "(0x100000000:0x8000000)",
                  &flags->range);
  arguments.Value("--size", "SIZE",
                  "so much memory, of the agent's choice: 4G and 4Gi are powers of 1024; offline "
                  "from the highest movable block down, online from the lowest up",
                  &flags->size);
  arguments.Value("--node", "N", "with --size: of this NUMA node alone", &flags->node);
  arguments.Value("--memory-node", "N", "all memory of this NUMA node", &flags->memory_node);
}

v1::DeviceTarget ReadSelection(const SelectionFlags& flags, Violations* violations) {
  v1::DeviceTarget target;
  CheckOneIsGiven(flags, violations);
  if (!flags.devices.empty()) ReadDevices(flags.devices, &target, violations);
  if (flags.cpus) target.set_cpus(ReadList("--cpus", *flags.cpus, kCpuListRules, violations));
  if (flags.cores) target.set_cores(ReadList("--cores", *flags.cores, kCpuListRules, violations));
  if (flags.count) {
    target.set_cpu_count(ReadNumber("--count", *flags.count, 1, kMaxCpuNumber + 1, violations));
  }
  if (flags.blocks) {
    target.set_memory_blocks(
        ReadList("--blocks", *flags.blocks, kMemoryBlockListRules, violations));
  }
  if (flags.range) {
    *target.mutable_memory_range() = ValueOr("--range", ParseMemoryRange(*flags.range), violations);
  }
  if (flags.memory_node) {
    target.set_memory_node(
        ReadNumber("--memory-node", *flags.memory_node, 0, kMaxNode, violations));
  }
  if (flags.size) target.mutable_memory_amount()->set_bytes(ReadSize(*flags.size, violations));
  if (flags.node) {
    const int node = ReadNumber("--node", *flags.node, 0, kMaxNode, violations);
    if (flags.size) {
      target.mutable_memory_amount()->set_node(node);
    } else {
      violations->push_back(
          {"--node", "goes with --size alone; --memory-node selects all memory of a node"});
    }
  }
  return target;
}

bool SelectsCpus(const v1::DeviceTarget& target) {
  return target.has_cpus() || target.has_cores() || target.has_cpu_count();
}

}  // namespace hotplugger::client::host
