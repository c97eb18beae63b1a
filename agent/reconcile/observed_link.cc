#include "agent/reconcile/observed_link.h"

#include <utility>

namespace hotplugger::agent {

void ObservedLink::SendAck(const v1::SpecAck& ack) {
  {
    MutexLock lock(&mutex_);
    turned_down_ = !ack.errors().empty();
  }
  if (next_ != nullptr) next_->SendAck(ack);
}

void ObservedLink::SendOperationResult(const v1::NodeOperationResult& result) {
  if (next_ != nullptr) next_->SendOperationResult(result);
}

void ObservedLink::SendReport(const v1::NodeReport& report) {
  auto newest = std::make_shared<const v1::NodeReport>(report);
  {
    MutexLock lock(&mutex_);
    report_ = std::move(newest);
  }
  if (next_ != nullptr) next_->SendReport(report);
}

void ObservedLink::SendRejection(const v1::NodeReport& report) {
  {
    MutexLock lock(&mutex_);
    turned_down_ = true;
    if (report_ != nullptr && report_->digest() == report.digest()) report_.reset();
  }
  if (next_ != nullptr) next_->SendRejection(report);
}

void ObservedLink::ForgetRejection() {
  if (next_ != nullptr) next_->ForgetRejection();
}

void ObservedLink::SendInventory(const v1::Inventory& inventory) {
  auto newest = std::make_shared<const v1::Inventory>(inventory);
  {
    MutexLock lock(&mutex_);
    inventory_ = std::move(newest);
  }
  if (next_ != nullptr) next_->SendInventory(inventory);
}

void ObservedLink::NoteSpecTaken(uint64_t epoch, int64_t store_revision) {
  if (next_ != nullptr) next_->NoteSpecTaken(epoch, store_revision);
}

std::shared_ptr<const v1::Inventory> ObservedLink::inventory() const {
  MutexLock lock(&mutex_);
  return inventory_;
}

std::shared_ptr<const v1::NodeReport> ObservedLink::report() const {
  MutexLock lock(&mutex_);
  return report_;
}

bool ObservedLink::turned_down() const {
  MutexLock lock(&mutex_);
  return turned_down_;
}

}  // namespace hotplugger::agent
