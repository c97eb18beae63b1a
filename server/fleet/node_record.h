// What the registry keeps of one node, and how it changes.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "hotplugger/v1/link.pb.h"
#include "hotplugger/v1/node.pb.h"
#include "server/fleet/event_types.h"
#include "server/fleet/node_link.h"
#include "server/fleet/node_snapshot.h"
#include "server/fleet/spec_stopwatch.h"
#include "server/policy/resolver.h"

namespace hotplugger::server {

// Conditions that the controller finds.
inline constexpr char kTurnedAway[] = "TURNED_AWAY";
inline constexpr char kNameInUse[] = "NAME_IN_USE";

// A spec to be sent, outside every lock.
struct SpecPush {
  std::string node;
  std::shared_ptr<NodeLink> link;
  std::shared_ptr<const Resolution> spec;
  std::string nonce;
};

struct RecordedReport {
  // The node works towards another spec than was thought.
  bool other_target = false;
  // It tells that a spec was given up, and didn't before.
  bool given_up = false;
  // Where it asks for a confirmation: to be sent there, whatever the node is to be by now. That
  // it can be reached is all that it asks.
  std::shared_ptr<NodeLink> confirm = nullptr;
};

// Not safe for concurrent use: the registry's lock guards it.
class NodeRecord {
 public:
  // So many unanswered pings end a stream.
  static constexpr int kMissedPings = 3;

  // As things are, a refusal of the desired spec apart: that is in Snapshot.
  const NodeSnapshot& facts() const { return facts_; }
  NodeSnapshot Snapshot() const;
  // What has happened since the last call.
  std::vector<NewEvent> TakeEvents();
  // How long the desired spec took, as far as that was measured since the last call.
  SpecTimes TakeTimes() { return stopwatch_.TakeTimes(); }

  // All that the store knows of it.
  void SetIdentity(const std::string& name, NodeIdentity identity);
  void BecomeStranger() { facts_.stranger = true; }
  // Whether it was one.
  bool BecomeMember();

  // Its stream begins. The link of the one before, if any.
  std::shared_ptr<NodeLink> Connect(const v1::Hello& hello, std::shared_ptr<NodeLink> link,
                                    uint64_t stream_id, absl::Time now);
  // And ends; nobody else is kept from its name any more.
  void Disconnect();
  // Null where it is not connected.
  const std::shared_ptr<NodeLink>& link() const { return link_; }
  uint64_t stream_id() const { return stream_id_; }
  // Whether this run of its agent has had the stream, and another one has taken it.
  bool WasDisplaced(const std::string& instance_id) const;

  void MarkWelcomed() { welcomed_ = true; }
  void MarkReady() { ready_ = true; }
  bool welcomed() const { return welcomed_; }

  void NoteContact(absl::Time now);
  // It is too long since the last contact.
  bool IsSilent() const { return unanswered_pings_ >= kMissedPings; }
  void NotePing() { ++unanswered_pings_; }

  // A Hello of this name was refused.
  void NoteTry(absl::Time now) { last_try_ = now; }
  absl::Time last_try() const { return last_try_; }

  // True where it was not there, or said something else.
  bool Raise(absl::string_view type, absl::string_view message, absl::Time now);
  // Whether it was there.
  bool Clear(absl::string_view type);

  void TakeInventory(std::shared_ptr<const v1::Inventory> inventory);
  // `steady_now`, here and below: of a steady clock, by which specs are measured.
  RecordedReport TakeReport(std::shared_ptr<const v1::NodeReport> report, absl::Time steady_now);
  // Whether it is of the spec that was last pushed on this stream.
  bool IsOfPush(const v1::SpecAck& ack) const;
  // Whether it is a refusal. REQUIRES: IsOfPush.
  bool TakeAck(const v1::SpecAck& ack, absl::Time steady_now);
  // As if the spec, which the node has given up, had never been sent. False where it has not.
  bool ForgetRejection(const std::string& digest);

  // Whether that is another spec than before.
  bool SetDesired(std::shared_ptr<const Resolution> desired, absl::Time steady_now);
  bool NeedsPush() const;
  // REQUIRES: NeedsPush.
  SpecPush TakePush(uint64_t number);
  // The push is handed to the node's stream.
  void NoteHandedOver(const SpecPush& push, absl::Time steady_now);

 private:
  RecordedReport TakeRejection(std::shared_ptr<const v1::NodeReport> report);
  // Whether the desired spec has this digest.
  bool IsDesired(absl::string_view digest) const;
  // Whether the node has yet to be sent the desired spec, once it is ready for that.
  bool LacksDesired() const;
  bool GaveUp(absl::string_view digest) const;

  NodeSnapshot facts_;
  SpecStopwatch stopwatch_;
  // As it was when events were last told of.
  NodeSnapshot told_;
  std::shared_ptr<NodeLink> link_;
  uint64_t stream_id_ = 0;
  bool welcomed_ = false;
  bool ready_ = false;
  int unanswered_pings_ = 0;
  // What the node is thought to work towards, and whether that is because of a push on this
  // stream.
  std::string target_digest_;
  bool pushed_ = false;
  std::string nacked_digest_;
  std::vector<std::string> nack_errors_;
  // Of the spec that the node has given up, which may be another than the nacked one; else null.
  std::shared_ptr<const v1::NodeReport> rejection_;
  // Which run of the agent has the stream, and which one it has taken it from.
  std::string instance_id_;
  std::string displaced_instance_id_;
  // When a Hello of this name was last refused.
  absl::Time last_try_ = absl::InfinitePast();
};

}  // namespace hotplugger::server
