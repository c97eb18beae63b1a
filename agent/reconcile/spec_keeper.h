// What becomes of specs: taken, tried, confirmed, given up.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "agent/reconcile/controller_identity.h"
#include "agent/reconcile/controller_link.h"
#include "agent/reconcile/host.h"
#include "agent/reconcile/pass.h"
#include "hotplugger/v1/link.pb.h"
#include "hotplugger/v1/node.pb.h"

namespace hotplugger::agent {

// A spec that a controller has sent.
struct SpecOffer {
  v1::Spec spec;
  ControllerIdentity controller;
};

// The rules of spec_trial.h, carried out on a host: the reconciler's part on the operation queue's
// thread. Not safe for concurrent use.
class SpecKeeper {
 public:
  // Both outlive this. Confirm windows below `shortest_confirm_window` are lengthened to it.
  SpecKeeper(Host& host, ControllerLink& link, absl::Duration shortest_confirm_window)
      : host_(host), link_(link), shortest_confirm_window_(shortest_confirm_window) {}

  // Takes the spec, or refuses it, and acknowledges its receipt. An error, and no receipt: it could
  // not be saved.
  absl::Status Take(const SpecOffer& offer);

  // A controller has heard of this spec; nothing where it isn't the one in force.
  void Confirm(const std::string& digest, const ControllerIdentity& controller);

  // Before the first write of a pass. An error, and nothing may be written: the spec has yet to
  // show that no agent dies of it, and that this one tries can't be saved.
  absl::Status BeginPass();
  // However it ended. `memory`: the pass's.
  void EndPass(bool applied, const PassMemory& memory);

  // The spec's confirmation did not come in time. Where it waits for none: nothing.
  void Revert();

  // Has the link know which spec was given up last, if any; nothing where it does.
  void TellRejection();

  // What passes in this boot have made of the spec in force, before this agent too.
  PassMemory RememberPasses() const;

 private:
  std::optional<absl::Duration> WindowOf(const v1::Spec& spec) const;
  absl::Status TakeInForce(const SpecOffer& offer, const v1::NodeSpec& parsed);

  Host& host_;
  ControllerLink& link_;
  const absl::Duration shortest_confirm_window_;
  // Of the rejection that the link has; empty: it has none.
  std::string told_rejection_;
};

}  // namespace hotplugger::agent
