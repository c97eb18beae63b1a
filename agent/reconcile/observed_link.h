// Keeps the newest of what a controller is told, for the agent's own /metrics, also where there is
// no controller.
#pragma once

#include <cstdint>
#include <memory>

#include "agent/reconcile/controller_link.h"
#include "common/mutex.h"

namespace hotplugger::agent {

// Hands on all that it is told.
class ObservedLink final : public ControllerLink {
 public:
  // `next` outlives this; null: there is no controller, so that the news have nowhere to go.
  explicit ObservedLink(ControllerLink* next) : next_(next) {}

  void SendAck(const v1::SpecAck& ack) override;
  void SendOperationResult(const v1::NodeOperationResult& result) override;
  void SendReport(const v1::NodeReport& report) override;
  void SendRejection(const v1::NodeReport& report) override;
  void ForgetRejection() override;
  void SendInventory(const v1::Inventory& inventory) override;
  void NoteSpecTaken(uint64_t epoch, int64_t store_revision) override;

  // The newest; null: none yet. They never change. Of the report: null also where the spec that it
  // is about was given up, and no other is in force.
  std::shared_ptr<const v1::Inventory> inventory() const;
  std::shared_ptr<const v1::NodeReport> report() const;
  // The controller wants another spec than the one in force: the last that came was refused, or was
  // given up, and none was taken since.
  bool turned_down() const;

 private:
  ControllerLink* const next_;
  mutable Mutex mutex_;
  std::shared_ptr<const v1::Inventory> inventory_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<const v1::NodeReport> report_ ABSL_GUARDED_BY(mutex_);
  bool turned_down_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace hotplugger::agent
