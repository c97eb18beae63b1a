#include "server/policy/normalize.h"

#include <set>
#include <string>

#include "common/byte_size.h"
#include "common/cpu_list.h"
#include "common/driver_rules.h"
#include "common/number_list.h"
#include "server/policy/subject.h"

namespace hotplugger::server {
namespace {

using Names = google::protobuf::RepeatedPtrField<std::string>;

void Assign(const std::set<std::string>& sorted, Names* names) {
  names->Clear();
  for (const std::string& name : sorted) *names->Add() = name;
}

void NormalizeMemory(v1::MemorySettings* memory) {
  const auto blocks = ParseNumberList(memory->offline_blocks(), kMemoryBlockListRules);
  if (blocks.ok()) memory->set_offline_blocks(FormatNumberList(*blocks));
  const auto bytes = ParseByteSize(memory->offline_bytes());
  if (bytes.ok()) memory->set_offline_bytes(FormatByteSize(*bytes));
}

void NormalizeDrivers(v1::DriverSettings* drivers) {
  NormalizeDriverNames(drivers->mutable_active());
  NormalizeDriverNames(drivers->mutable_stopped());
  google::protobuf::Map<std::string, v1::Whitelist> whitelists;
  for (const auto& [driver, whitelist] : drivers->whitelist()) {
    v1::Whitelist& normal = whitelists[NormalizeDriverName(driver)];
    normal = whitelist;
    NormalizeDriverNames(normal.mutable_drivers());
  }
  drivers->mutable_whitelist()->swap(whitelists);
}

}  // namespace

void NormalizeDriverNames(Names* names) {
  std::set<std::string> sorted;
  for (const std::string& name : *names) sorted.insert(NormalizeDriverName(name));
  Assign(sorted, names);
}

void NormalizePolicy(v1::Policy* policy) {
  auto* nodes = policy->mutable_selector()->mutable_nodes();
  Assign(std::set<std::string>(nodes->begin(), nodes->end()), nodes);
  for (v1::LabelRequirement& requirement :
       *policy->mutable_selector()->mutable_match_expressions()) {
    auto* values = requirement.mutable_values();
    Assign(std::set<std::string>(values->begin(), values->end()), values);
  }
  if (policy->has_cpu()) {
    const auto cpus = ParseCpuList(policy->cpu().offline());
    if (cpus.ok()) policy->mutable_cpu()->set_offline(FormatCpuList(*cpus));
  }
  if (policy->has_memory()) NormalizeMemory(policy->mutable_memory());
  if (policy->has_drivers()) NormalizeDrivers(policy->mutable_drivers());
}

void NormalizeHold(v1::Hold* hold) {
  const auto subject = ParseSubject(hold->subject());
  if (subject.ok()) hold->set_subject(FormatSubject(*subject));
}

}  // namespace hotplugger::server
