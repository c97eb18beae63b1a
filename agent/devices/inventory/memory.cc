#include "agent/devices/inventory/memory.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "agent/devices/inventory/kernel_text.h"
#include "agent/devices/inventory/nodes.h"
#include "common/error_info.h"
#include "common/status_macros.h"

namespace hotplugger::agent {
namespace {

constexpr char kMemoryFolder[] = "sys/devices/system/memory";

// A block that changes between the reads of its two files is read again, so often at most.
constexpr int kBlockReads = 3;

absl::StatusOr<v1::DeviceState> ReadState(const FileTree& memory, absl::string_view path) {
  ASSIGN_OR_RETURN(const std::string content, memory.Read(path));
  const absl::string_view state = WithoutNewline(content);
  if (state == "online") return v1::DEVICE_STATE_ONLINE;
  if (state == "offline") return v1::DEVICE_STATE_OFFLINE;
  if (state == "going-offline") return v1::DEVICE_STATE_GOING_OFFLINE;
  return BadKernelAnswer(memory, path, state, "online, offline or going-offline");
}

// kUnknown for a word that is no zone's name.
BlockZone ZoneOf(absl::string_view name) {
  if (name == "Movable") return BlockZone::kMovable;
  if (name == "DMA" || name == "DMA32" || name == "Normal" || name == "HighMem") {
    return BlockZone::kKernel;
  }
  return BlockZone::kUnknown;
}

// Empty where the kernel says "none", or nothing at all, which `said` tells apart.
absl::StatusOr<std::vector<std::string>> ReadZones(const FileTree& memory, absl::string_view path,
                                                   bool* said) {
  ASSIGN_OR_RETURN(const std::optional<std::string> content, memory.ReadIfThere(path));
  *said = content.has_value();
  std::vector<std::string> zones;
  if (!*said) return zones;
  const absl::string_view words = WithoutNewline(*content);
  if (words == "none") return zones;
  for (const absl::string_view word : absl::StrSplit(words, ' ')) {
    if (ZoneOf(word) == BlockZone::kUnknown) {
      return BadKernelAnswer(memory, path, words, "none or names of zones");
    }
    zones.emplace_back(word);
  }
  return zones;
}

// All but its node. `memory` is kMemoryFolder.
absl::StatusOr<MemoryBlock> ReadBlock(const FileTree& memory, int number) {
  const std::string state_file = absl::StrCat("memory", number, "/state");
  const std::string zones_file = absl::StrCat("memory", number, "/valid_zones");
  for (int i = 0; i < kBlockReads; ++i) {
    MemoryBlock block;
    ASSIGN_OR_RETURN(block.state, ReadState(memory, state_file));
    bool said = false;
    ASSIGN_OR_RETURN(block.zones, ReadZones(memory, zones_file, &said));
    if (block.state != v1::DEVICE_STATE_ONLINE || !said) return block;
    // An online block is in one zone; several are what an offline one may go to.
    if (block.zones.size() > 1) continue;
    block.zone = block.zones.empty() ? BlockZone::kNone : ZoneOf(block.zones[0]);
    return block;
  }
  return MakeError(absl::StatusCode::kInternal, "BAD_KERNEL_ANSWER",
                   absl::StrCat(memory.FullPath(zones_file), " names several zones although ",
                                memory.FullPath(state_file), " reads \"online\""),
                   {{"path", memory.FullPath(zones_file)}});
}

using NumberedBlocks = std::vector<std::pair<int, MemoryBlock>>;

// Ascending, without their nodes.
absl::StatusOr<NumberedBlocks> ReadBlocks(const FileTree& memory) {
  std::vector<int> numbers;
  RETURN_IF_ERROR(memory.Visit(".", [&](absl::string_view name, bool) {
    if (const std::optional<int> number = NumberAfter("memory", name)) numbers.push_back(*number);
  }));
  std::sort(numbers.begin(), numbers.end());
  NumberedBlocks blocks;
  blocks.reserve(numbers.size());
  for (const int number : numbers) {
    absl::StatusOr<MemoryBlock> block = ReadBlock(memory, number);
    if (absl::IsNotFound(block.status())) continue;  // removed meanwhile
    if (!block.ok()) return block.status();
    blocks.emplace_back(number, *std::move(block));
  }
  return blocks;
}

// From the links in the nodes' folders: one listing a node instead of one a block. A block of
// several nodes has the lowest.
absl::StatusOr<std::vector<std::pair<int, int>>> ReadBlockNodes(const FileTree& tree) {
  std::vector<std::pair<int, int>> node_of;
  const absl::StatusOr<std::unique_ptr<FileTree>> nodes = tree.OpenFolder(kNodeFolder);
  if (absl::IsNotFound(nodes.status())) return node_of;
  if (!nodes.ok()) return nodes.status();
  ASSIGN_OR_RETURN(const std::vector<int> numbers, ListNodes(**nodes));
  for (const int node : numbers) {
    const absl::Status listed =
        (*nodes)->Visit(absl::StrCat("node", node), [&](absl::string_view name, bool) {
          if (const std::optional<int> block = NumberAfter("memory", name)) {
            node_of.emplace_back(*block, node);
          }
        });
    if (!listed.ok() && !absl::IsNotFound(listed)) return listed;
  }
  std::sort(node_of.begin(), node_of.end());
  return node_of;
}

}  // namespace

absl::StatusOr<uint64_t> ReadMemoryBlockSize(const FileTree& tree) {
  const std::string path = absl::StrCat(kMemoryFolder, "/block_size_bytes");
  ASSIGN_OR_RETURN(const std::string content, tree.Read(path));
  const absl::string_view digits = WithoutNewline(content);
  uint64_t size = 0;
  const bool plain = !digits.empty() && digits.size() <= 16 &&
                     digits.find_first_not_of("0123456789abcdefABCDEF") == digits.npos;
  if (!plain || !absl::SimpleHexAtoi(digits, &size) || size == 0) {
    return BadKernelAnswer(tree, path, digits, "a hexadecimal number of bytes");
  }
  return size;
}

absl::StatusOr<std::optional<MemoryBlocks>> ReadMemoryBlocks(const FileTree& tree) {
  const absl::StatusOr<uint64_t> size = ReadMemoryBlockSize(tree);
  if (absl::IsNotFound(size.status())) return std::optional<MemoryBlocks>();
  if (!size.ok()) return size.status();
  ASSIGN_OR_RETURN(const std::unique_ptr<FileTree> folder, tree.OpenFolder(kMemoryFolder));
  ASSIGN_OR_RETURN(NumberedBlocks blocks, ReadBlocks(*folder));
  ASSIGN_OR_RETURN(const auto node_of, ReadBlockNodes(tree));
  MemoryBlocks memory;
  memory.block_size_bytes = *size;
  auto next = node_of.begin();
  for (auto& [number, block] : blocks) {
    while (next != node_of.end() && next->first < number) ++next;
    if (next != node_of.end() && next->first == number) block.node = next->second;
    memory.blocks.emplace_hint(memory.blocks.end(), number, std::move(block));
  }
  return std::optional<MemoryBlocks>(std::move(memory));
}

absl::StatusOr<MemoryBlock> ReadMemoryBlock(const FileTree& tree, int block) {
  ASSIGN_OR_RETURN(const std::unique_ptr<FileTree> folder, tree.OpenFolder(kMemoryFolder));
  ASSIGN_OR_RETURN(MemoryBlock found, ReadBlock(*folder, block));
  const absl::StatusOr<std::unique_ptr<FileTree>> nodes = tree.OpenFolder(kNodeFolder);
  if (absl::IsNotFound(nodes.status())) return found;
  if (!nodes.ok()) return nodes.status();
  ASSIGN_OR_RETURN(const std::vector<int> numbers, ListNodes(**nodes));
  for (const int node : numbers) {
    ASSIGN_OR_RETURN(const std::optional<std::string> link,
                     (*nodes)->ReadLink(absl::StrCat("node", node, "/memory", block)));
    if (!link.has_value()) continue;
    found.node = node;
    break;
  }
  return found;
}

NumberSet BlocksIn(const MemoryBlocks& memory, v1::DeviceState state) {
  NumberSet numbers;
  for (const auto& [number, block] : memory.blocks) {
    if (block.state == state) numbers.insert(numbers.end(), number);
  }
  return numbers;
}

}  // namespace hotplugger::agent
