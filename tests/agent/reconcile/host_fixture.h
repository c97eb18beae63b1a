// A whole host out of fakes, for tests of what works on Host.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "agent/devices/inventory/file_tree.h"
#include "agent/devices/operations/journal.h"
#include "agent/drivers/kernel/kernel_provider.h"
#include "agent/drivers/registry.h"
#include "agent/reconcile/host.h"
#include "common/clock.h"
#include "common/digest.h"
#include "tests/fakes/fake_host.h"
#include "tests/fakes/fake_kernel_hotplugger.h"
#include "tests/fakes/memory_state_store.h"
#include "tests/fakes/temp_dir.h"

namespace hotplugger::agent {

// Four CPUs, of which cpu0 can't be switched; the drivers alucard and thermal (mutually
// whitelisted in the kernel) and bricked (spares nobody). Not safe for concurrent use.
class HostFixture {
 public:
  explicit HostFixture(SafetyLimits limits = AnyNumber(), testing::FakeHostOptions options = {})
      : fake(std::move(options)),
        kernel(fake.root()),
        limits_(std::move(limits)),
        tree_(*FileTree::Open(fake.root())) {
    fake.SetDriverWriter(&kernel);
    kernel.Load({.name = "alucard", .whitelist = {"thermal"}});
    kernel.Load({.name = "thermal", .whitelist = {"alucard"}});
    kernel.Load({.name = "bricked", .whitelist = {}});
    Boot("boot-1");
  }

  // The agent starts; with another id the host has rebooted before.
  void Boot(const std::string& boot_id) {
    registry_ = std::make_unique<Registry>(steady_clock_, counters, Registry::Options());
    journal_ = *Journal::Open(state_dir_.path(), boot_id, clock_);
    host = *Host::Create({.tree = *tree_,
                          .writer = fake,
                          .journal = *journal_,
                          .limits = limits_,
                          .clock = steady_clock_,
                          .drivers = *registry_,
                          .counters = counters,
                          .providers = {&provider_},
                          .catalogue = catalogue_,
                          .state_store = store,
                          .boot_id = boot_id,
                          .kernel_release = "6.1",
                          .wall_time = [] { return absl::FromUnixSeconds(1'700'000'000); }});
  }

  // As if a controller had pushed it.
  void SetSpec(const v1::NodeSpec& spec, const std::string& source = "policy/park") {
    v1::AgentState state = host->state();
    state.set_spec_body(spec.SerializeAsString());
    state.set_spec_digest(Sha256Hex(state.spec_body()));
    state.clear_spec_sources();
    for (const char* setting :
         {"cpu_offline", "cpu_online", "smt", "memory_offline", "memory_offline_bytes",
          "drivers_active", "drivers_stopped", "switching"}) {
      v1::SettingSource* added = state.add_spec_sources();
      added->set_setting(setting);
      added->set_source(source);
    }
    EXPECT_TRUE(host->SaveState(state).ok());
  }

  // From the next Boot on the journal can't be written, as on a full disk; and again it can.
  void BreakJournal() { state_dir_.Write("journal.new/in/its/way", ""); }
  void MendJournal() { state_dir_.Remove("journal.new"); }
  // It is gone with the next Boot.
  void RemoveJournal() { state_dir_.Remove("journal"); }

  bool Runs(const std::string& driver) { return kernel.Find(driver)->running; }

  testing::FakeHost fake;
  FakeKernelHotplugger kernel;
  testing::MemoryStateStore store;
  AgentCounters counters;
  // The host's drivers.d.
  testing::TempDir driver_folder;

  // Limits have tests of their own; here any CPU but the last may go.
  static SafetyLimits AnyNumber() {
    SafetyLimits limits;
    limits.cpus.min_online = 1;
    limits.cpus.min_online_percent = 1;
    limits.memory.min_online_percent = 1;
    limits.memory.min_available_bytes = 0;
    limits.memory.min_available_percent = 0;
    limits.memory.max_movable_percent = 1'000'000;
    return limits;
  }

 private:
  SystemClock clock_;
  SteadyClock steady_clock_;
  testing::TempDir state_dir_;
  const SafetyLimits limits_;
  std::unique_ptr<FileTree> tree_;
  KernelDriverProvider provider_{*tree_, fake};
  Catalogue catalogue_{{driver_folder.path()}};
  std::unique_ptr<Registry> registry_;
  std::unique_ptr<Journal> journal_;

 public:
  // Last, since it works on all the others.
  std::unique_ptr<Host> host;
};

}  // namespace hotplugger::agent
