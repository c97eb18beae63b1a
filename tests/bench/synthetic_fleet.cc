#include "tests/bench/synthetic_fleet.h"

#include <cstdio>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "server/fleet/node_link.h"

namespace hotplugger::testing {
namespace {

class NoLink final : public server::NodeLink {
 public:
  void Send(const v1::ControllerMessage& /*message*/) override {}
  void Close(const absl::Status& /*status*/) override {}
};

v1::Hello HelloOf(size_t node) {
  v1::Hello hello;
  hello.set_node(absl::StrFormat("node-%05d.example", node));
  hello.set_boot_id("7d0fa5a2-6cb0-4ad4-9cf5-8a5e0f4d8f1b");
  hello.set_agent_version("0.1.0");
  auto& labels = *hello.mutable_labels();
  labels["pool"] = absl::StrCat("pool-", node % 10);
  labels["zone"] = absl::StrCat("zone-", node % 3);
  labels["rack"] = absl::StrCat("rack-", node / 40);
  return hello;
}

v1::Inventory InventoryOf(size_t node) {
  v1::Inventory inventory;
  inventory.set_kernel_release("6.1.0-38-amd64");
  inventory.set_cpus_present("0-127");
  inventory.set_cpus_online(absl::StrCat("0-", 63 + node % 32, ",112-127"));
  inventory.mutable_smt()->set_control(v1::SMT_CONTROL_ON);
  inventory.mutable_smt()->set_active(true);
  v1::MemoryInventory& memory = *inventory.mutable_memory();
  memory.set_block_size_bytes(uint64_t{128} << 20);
  memory.set_blocks_present("0-15,32-8207");
  memory.set_blocks_online("0-15,32-4095,6144-8207");
  memory.set_blocks_movable("6144-8207");
  for (const char* name : {"bricked", "thermal"}) {
    v1::Driver& driver = *inventory.add_drivers();
    driver.set_name(name);
    driver.set_state(v1::DRIVER_STATE_RUNNING);
  }
  inventory.add_conditions()->set_type("STATE_NOT_SAVED");
  return inventory;
}

}  // namespace

SyntheticFleet::SyntheticFleet(size_t nodes) : registry_(&clock_, &steady_clock_, nodes) {
  auto desired = std::make_shared<server::Resolution>();
  desired->digest = std::string(64, 'a');
  report_.set_digest(desired->digest);
  report_.set_state(v1::APPLY_STATE_APPLIED);
  report_.set_drift_count(3);
  for (size_t i = 0; i < nodes; ++i) {
    const auto attached = registry_.Attach(HelloOf(i), std::make_shared<NoLink>());
    if (!attached.ok()) {
      std::fprintf(stderr, "scrape_bench: %s\n", std::string(attached.status().message()).c_str());
      std::exit(2);
    }
    keys_.push_back(attached->key);
    registry_.MarkReady(attached->key);
    registry_.SetDesired(attached->key.node, desired);
    registry_.RecordInventory(attached->key, InventoryOf(i));
    Report(i);
  }
}

void SyntheticFleet::Report(size_t node) { registry_.RecordReport(keys_[node], report_); }

}  // namespace hotplugger::testing
