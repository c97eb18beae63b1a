#include "server/fleet/spec_stopwatch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

namespace hotplugger::server {
namespace {

// Each moment is a second after the one before.
class SpecStopwatchTest : public ::testing::Test {
 protected:
  absl::Time Next() { return now_ += absl::Seconds(1); }

  void ExpectTimes(std::optional<int> push, std::optional<int> ack,
                   std::optional<int> convergence) {
    const SpecTimes times = stopwatch_.TakeTimes();
    // -1 stands for nothing.
    const auto expect = [](const char* what, std::optional<absl::Duration> measured,
                           std::optional<int> seconds) {
      EXPECT_EQ(measured.value_or(absl::Seconds(-1)), absl::Seconds(seconds.value_or(-1))) << what;
    };
    expect("push", times.push, push);
    expect("ack", times.ack, ack);
    expect("convergence", times.convergence, convergence);
  }

  absl::Time now_ = absl::UnixEpoch();
  SpecStopwatch stopwatch_;
};

TEST_F(SpecStopwatchTest, MeasuresEachPartOnce) {
  stopwatch_.Want(Next());
  stopwatch_.HandOver("1", Next());
  ExpectTimes(1, std::nullopt, std::nullopt);
  stopwatch_.NoteAck("1", /*refused=*/false, Next());
  ExpectTimes(std::nullopt, 1, std::nullopt);
  stopwatch_.NoteApplied(/*news=*/true, Next());
  ExpectTimes(std::nullopt, std::nullopt, 3);
  stopwatch_.NoteAck("1", false, Next());
  stopwatch_.NoteApplied(true, Next());
  stopwatch_.HandOver("2", Next());
  stopwatch_.NoteAck("2", false, Next());
  stopwatch_.NoteApplied(true, Next());
  ExpectTimes(std::nullopt, std::nullopt, std::nullopt);
}

TEST_F(SpecStopwatchTest, NothingIsMeasuredOfWhatIsNotNew) {
  stopwatch_.HandOver("1", Next());
  stopwatch_.NoteAck("1", false, Next());
  stopwatch_.NoteApplied(true, Next());
  ExpectTimes(std::nullopt, std::nullopt, std::nullopt);
}

TEST_F(SpecStopwatchTest, ARefusalEndsItAll) {
  stopwatch_.Want(Next());
  stopwatch_.HandOver("1", Next());
  stopwatch_.NoteAck("1", /*refused=*/true, Next());
  stopwatch_.NoteApplied(true, Next());
  ExpectTimes(1, 1, std::nullopt);

  stopwatch_.Want(Next());
  stopwatch_.HandOver("2", Next());
  stopwatch_.NoteRefusal(Next());
  stopwatch_.NoteAck("2", true, Next());
  stopwatch_.NoteApplied(true, Next());
  ExpectTimes(1, 1, std::nullopt);
}

TEST_F(SpecStopwatchTest, ARefusalAfterTheReceiptEndsConvergence) {
  stopwatch_.Want(Next());
  stopwatch_.HandOver("1", Next());
  stopwatch_.NoteAck("1", false, Next());
  stopwatch_.NoteRefusal(Next());
  stopwatch_.NoteApplied(true, Next());
  ExpectTimes(1, 1, std::nullopt);
}

TEST_F(SpecStopwatchTest, AReplacedSpecStartsAnew) {
  stopwatch_.Want(Next());
  stopwatch_.HandOver("1", Next());
  stopwatch_.Want(Next());
  // What comes of the one before.
  stopwatch_.NoteAck("1", false, Next());
  stopwatch_.NoteApplied(true, Next());
  ExpectTimes(1, std::nullopt, std::nullopt);
  stopwatch_.HandOver("2", Next());
  stopwatch_.NoteAck("1", false, Next());
  stopwatch_.NoteAck("2", false, Next());
  stopwatch_.NoteApplied(true, Next());
  ExpectTimes(3, 2, 6);
}

TEST_F(SpecStopwatchTest, APushThatIsRepeatedIsMeasuredFromTheFirst) {
  stopwatch_.Want(Next());
  stopwatch_.HandOver("1", Next());
  stopwatch_.HandOver("2", Next());
  stopwatch_.NoteAck("2", false, Next());
  ExpectTimes(1, 2, std::nullopt);
  stopwatch_.HandOver("3", Next());
  stopwatch_.NoteAck("3", false, Next());
  stopwatch_.NoteApplied(true, Next());
  ExpectTimes(std::nullopt, std::nullopt, 6);
}

// The agent's report may overtake its receipt.
TEST_F(SpecStopwatchTest, AReportBeforeTheReceiptCountsWhereItIsNews) {
  stopwatch_.Want(Next());
  stopwatch_.HandOver("1", Next());
  stopwatch_.NoteApplied(/*news=*/false, Next());
  ExpectTimes(1, std::nullopt, std::nullopt);
  stopwatch_.NoteApplied(/*news=*/true, Next());
  ExpectTimes(std::nullopt, std::nullopt, 3);
  stopwatch_.NoteAck("1", false, Next());
  ExpectTimes(std::nullopt, 3, std::nullopt);
}

TEST_F(SpecStopwatchTest, AReportBeforeThePushIsOlder) {
  stopwatch_.Want(Next());
  stopwatch_.NoteApplied(true, Next());
  ExpectTimes(std::nullopt, std::nullopt, std::nullopt);
}

TEST_F(SpecStopwatchTest, OnceStoppedNothingIsMeasured) {
  stopwatch_.Want(Next());
  stopwatch_.HandOver("1", Next());
  stopwatch_.Stop();
  stopwatch_.NoteAck("1", false, Next());
  stopwatch_.HandOver("2", Next());
  stopwatch_.NoteAck("2", false, Next());
  stopwatch_.NoteApplied(true, Next());
  ExpectTimes(1, std::nullopt, std::nullopt);
}

}  // namespace
}  // namespace hotplugger::server
