// Every known node: what it says, what it should be, and the link to it while it is connected.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "common/clock.h"
#include "common/mutex.h"
#include "hotplugger/v1/link.pb.h"
#include "hotplugger/v1/node.pb.h"
#include "server/fleet/agent_totals.h"
#include "server/fleet/change_feed.h"
#include "server/fleet/event_log.h"
#include "server/fleet/fleet_counters.h"
#include "server/fleet/node_link.h"
#include "server/fleet/node_record.h"
#include "server/fleet/node_snapshot.h"
#include "server/fleet/waiting_streams.h"
#include "server/policy/resolver.h"

namespace hotplugger::server {

// Names one stream of one node; a later stream of the node has another id.
struct StreamKey {
  std::string node;
  uint64_t id = 0;
};

// Safe for concurrent use; every call is short. Links are never called under the lock.
class NodeRegistry {
 public:
  // `clock` tells what time it is, `steady_clock` is for what is measured.
  // `max_nodes`: no more nodes are known than these, connected or not.
  // `feed` hears of every change but mere signs of life, `events` of what happens to nodes,
  // `counters` of how long specs took, `totals` of nodes that are deleted; null: nobody does.
  NodeRegistry(Clock* clock, Clock* steady_clock, size_t max_nodes, ChangeFeed* feed = nullptr,
               EventLog* events = nullptr, FleetCounters* counters = nullptr,
               AgentTotals* totals = nullptr)
      : clock_(clock),
        steady_clock_(steady_clock),
        max_nodes_(max_nodes),
        feed_(feed),
        events_(events),
        counters_(counters),
        totals_(totals) {}

  // A node that the store knows; not connected.
  void Restore(const std::string& name, Labels labels, std::string metrics_address = "");
  // The same, unless it has come by itself meanwhile. Whether it was restored.
  bool RestoreIfAbsent(const std::string& name, Labels labels, std::string metrics_address = "");

  // A stream that has yet to say who it is. RESOURCE_EXHAUSTED (TOO_MANY_STREAMS) where too many
  // wait, UNAVAILABLE (SHUTTING_DOWN) after CloseAll. Attach or Forget ends the wait.
  absl::Status Admit(std::shared_ptr<NodeLink> link);
  void Forget(const NodeLink* link);

  struct Attached {
    StreamKey key;
    // The older stream of the same host, already forgotten here: the caller closes it.
    std::shared_ptr<NodeLink> displaced;
  };
  // Connects a node. ALREADY_EXISTS (NODE_NAME_TAKEN) while another boot of that name is
  // connected, or another agent of the same boot that has displaced this one; RESOURCE_EXHAUSTED
  // (TOO_MANY_NODES) with a retry delay, UNAVAILABLE (SHUTTING_DOWN) after CloseAll. REQUIRES:
  // `hello` is valid.
  absl::StatusOr<Attached> Attach(const v1::Hello& hello, std::shared_ptr<NodeLink> link);

  // Keeps why a node is not let in: TURNED_AWAY, until it is; of a node that is connected, and so
  // another host's, NAME_IN_USE. One that is not known yet is a stranger from now on, where there
  // is room. False where the same was known.
  bool NoteTurnedAway(const v1::Hello& hello, const absl::Status& why);

  // From now on the stream may be sent operations: its Welcome is on the way.
  void MarkWelcomed(const StreamKey& key);

  // From now on it may be sent specs too: what the node is to be has been resolved.
  void MarkReady(const StreamKey& key);

  // The stream is over. A newer stream of the node stays.
  void Detach(const StreamKey& key);

  // The way to a node. NOT_FOUND (NODE_NOT_FOUND), UNAVAILABLE (NODE_NOT_CONNECTED).
  struct Stream {
    StreamKey key;
    // Null where the node has yet to be welcomed.
    std::shared_ptr<NodeLink> link;
  };
  absl::StatusOr<Stream> FindStream(const std::string& node);

  // These record what came on a stream, and count as a sign of life. Ignored where the stream is
  // no longer the node's, as RecordContact says.
  bool RecordContact(const StreamKey& key);
  void RecordInventory(const StreamKey& key, const v1::Inventory& inventory);
  RecordedReport RecordReport(const StreamKey& key, const v1::NodeReport& report);
  // Whether this refuses the spec that was last sent.
  bool RecordAck(const StreamKey& key, const v1::SpecAck& ack);

  // The node would try again the spec that it has given up, so that it may be pushed once more.
  // False where another one was given up, or none.
  bool ForgetRejection(const StreamKey& key, const std::string& digest);

  void SetDesired(const std::string& name, std::shared_ptr<const Resolution> desired);

  // What must be sent so that every connected node works towards its desired spec. Each is
  // returned once; a refused spec never again until it changes.
  std::vector<SpecPush> TakePushes();
  // One of them goes to its stream now.
  void NoteHandedOver(const SpecPush& push);

  struct PingRound {
    std::vector<std::shared_ptr<NodeLink>> ping;
    // Silent for kMissedPings pings, or without Hello: forgotten here, the caller closes them.
    std::vector<std::shared_ptr<NodeLink>> dead;
  };
  // Called once an interval for each of `shards` parts of the fleet.
  PingRound TakePingRound(uint64_t shard, uint64_t shards);

  // By name.
  enum class Scope { kMembers, kAll };
  std::vector<NodeSnapshot> Snapshot(Scope scope = Scope::kMembers);
  // The first `limit` of those whose names are greater than `name`: whoever looks at the whole
  // fleet for somebody who can wait keeps nobody else waiting. Fewer than `limit`: there are no
  // more.
  std::vector<NodeSnapshot> SnapshotAfter(absl::string_view name, size_t limit,
                                          Scope scope = Scope::kMembers);
  // NOT_FOUND (NODE_NOT_FOUND).
  absl::StatusOr<NodeSnapshot> Get(absl::string_view name);
  // Whether there is one of this name.
  bool Knows(absl::string_view name);

  // NOT_FOUND; FAILED_PRECONDITION (NODE_CONNECTED).
  absl::Status Remove(const std::string& name);
  // What Remove would answer.
  absl::Status CheckRemovable(const std::string& name);

  // Closes every link and lets no further one in.
  void CloseAll(const absl::Status& status);

  static constexpr size_t kMaxWaiting = WaitingStreams::kMax;
  static constexpr int kMissedPings = NodeRecord::kMissedPings;
  // A second host or agent of a name that hasn't asked for so long is gone.
  static constexpr absl::Duration kNameInUseMemory = absl::Minutes(10);
  // A stranger that hasn't tried for so long is forgotten.
  static constexpr absl::Duration kStrangerMemory = absl::Minutes(10);

 private:
  void RestoreLocked(const std::string& name, Labels labels, std::string metrics_address)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  absl::Status CheckRemovableLocked(const std::string& name) const
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // The node, if the stream is still its stream; the contact is noted.
  NodeRecord* FindLocked(const StreamKey& key) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Why this Hello can't be let in.
  absl::Status CheckNameLocked(const v1::Hello& hello, NodeRecord* node)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Somebody else wants the name of a connected node.
  bool NoteClaimLocked(NodeRecord* node, const absl::Status& taken)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ForgetStrangersLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Once what is known of a node is another.
  void TellLocked(NodeRecord* node) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void TellGone(const std::string& name);
  // Once something of a node's spec may have been measured.
  void MeasureLocked(NodeRecord* node) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Clock* const clock_;
  Clock* const steady_clock_;
  const size_t max_nodes_;
  ChangeFeed* const feed_;
  EventLog* const events_;
  FleetCounters* const counters_;
  AgentTotals* const totals_;
  Mutex mutex_;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  WaitingStreams waiting_ ABSL_GUARDED_BY(mutex_);
  uint64_t last_stream_id_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t last_push_ ABSL_GUARDED_BY(mutex_) = 0;
  std::map<std::string, NodeRecord, std::less<>> nodes_ ABSL_GUARDED_BY(mutex_);
  // So many of them are strangers.
  size_t strangers_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace hotplugger::server
