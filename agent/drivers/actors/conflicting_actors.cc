#include "agent/drivers/actors/conflicting_actors.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "agent/drivers/actors/daemons.h"
#include "agent/drivers/actors/udev_rules.h"
#include "common/error_info.h"
#include "common/text.h"

namespace hotplugger::agent {
namespace {

using Actor = v1::ConflictingActor;

// The first that has a file of a name wins, and a link to /dev/null there masks the others.
constexpr const char* kRuleFolders[] = {"etc/udev/rules.d", "run/udev/rules.d",
                                        "usr/local/lib/udev/rules.d", "usr/lib/udev/rules.d",
                                        "lib/udev/rules.d"};
constexpr const char* kTmpfilesFolders[] = {"etc/tmpfiles.d", "run/tmpfiles.d",
                                            "usr/local/lib/tmpfiles.d", "usr/lib/tmpfiles.d"};
constexpr char kAutoOnline[] = "sys/devices/system/memory/auto_online_blocks";

// Whatever bytes a file or its name has, as text that a message takes and a terminal can show.
std::string SafeText(absl::string_view text) {
  std::string safe;
  while (!text.empty()) {
    const size_t length = std::max<size_t>(Utf8SequenceLength(text), 1);
    const std::string next = Printable(text.substr(0, length));
    if (safe.size() + next.size() > kMaxActorText) return absl::StrCat(safe, "...");
    safe += next;
    text.remove_prefix(length);
  }
  return safe;
}

Actor MakeActor(Actor::Kind kind, absl::string_view name, absl::string_view place,
                absl::string_view effect, absl::string_view remedy) {
  Actor actor;
  actor.set_kind(kind);
  actor.set_name(SafeText(name));
  actor.set_place(SafeText(place));
  actor.set_effect(SafeText(effect));
  actor.set_remedy(SafeText(remedy));
  return actor;
}

// A file of the host's own is edited; a package's comes back with its next version unless one in
// /etc takes its place.
std::string RemedyForRule(const std::string& path, const std::string& name) {
  if (absl::StartsWith(path, "etc/")) {
    return absl::StrCat("take the rule out of /", path, " && udevadm control --reload");
  }
  return absl::StrCat("ln -s /dev/null /etc/udev/rules.d/", name,
                      " && udevadm control --reload; or copy it there and take the rule out");
}

class ActorSearch {
 public:
  explicit ActorSearch(const FileTree& tree) : tree_(tree) {}

  void FindRules() {
    for (const auto& [name, path] : EffectiveFiles(kRuleFolders, ".rules")) {
      const absl::StatusOr<std::string> text = tree_.Read(path);
      if (!text.ok()) {
        Warn(text.status());
        continue;
      }
      for (const UdevWrite& write : FindUdevWrites(*text)) {
        Add(MakeActor(
            Actor::KIND_UDEV_RULE, name, absl::StrCat(tree_.FullPath(path), ":", write.line),
            absl::StrCat("brings devices online as they are added, also again by `udevadm "
                         "trigger` and at boot: ",
                         write.write),
            RemedyForRule(path, name)));
      }
    }
  }

  void FindAutoOnline() {
    const auto content = tree_.ReadIfThere(kAutoOnline);
    if (!content.ok()) return Warn(content.status());
    if (!content->has_value()) return;
    const absl::string_view mode = absl::StripAsciiWhitespace(**content);
    if (mode == "offline") return;
    Add(MakeActor(
        Actor::KIND_AUTO_ONLINE, "auto_online_blocks", tree_.FullPath(kAutoOnline),
        absl::StrCat("the kernel brings hot-added memory up as ", mode,
                     ", before anybody is asked"),
        absl::StrCat(
            "echo offline > ", tree_.FullPath(kAutoOnline),
            "; for every boot, memhp_default_state=offline on the kernel's command line")));
  }

  void FindTmpfiles() {
    for (const auto& [name, path] : EffectiveFiles(kTmpfilesFolders, ".conf")) {
      const absl::StatusOr<std::string> text = tree_.Read(path);
      if (!text.ok()) {
        Warn(text.status());
        continue;
      }
      int number = 0;
      for (const absl::string_view line : absl::StrSplit(*text, '\n')) {
        ++number;
        if (!WritesDeviceState(line)) continue;
        Add(MakeActor(Actor::KIND_TMPFILES, name, absl::StrCat(tree_.FullPath(path), ":", number),
                      absl::StrCat("writes at every boot: ", absl::StripAsciiWhitespace(line)),
                      "take the line out; a policy says the same, and is held to"));
      }
    }
  }

  void FindDaemons(const std::vector<std::string>& driver_units) {
    const auto running = FindRunningDaemons(tree_);
    if (!running.ok()) return Warn(running.status());
    for (const RunningDaemon& found : *running) {
      const KnownDaemon& daemon = found.daemon;
      if (std::find(driver_units.begin(), driver_units.end(), daemon.unit) != driver_units.end()) {
        continue;
      }
      std::string remedy = daemon.remedy;
      if (remedy.empty()) remedy = absl::StrCat("systemctl disable --now ", daemon.unit);
      Add(MakeActor(Actor::KIND_DAEMON, daemon.program, absl::StrCat("process ", found.process),
                    daemon.effect, remedy));
    }
  }

  ConflictingActors Take() {
    if (left_out_ > 0) {
      found_.warnings.push_back(
          absl::StrCat("TOO_MANY_ACTORS: ", left_out_, " more were found; the first ", kMaxActors,
                       " actors and ", kMaxActorWarnings, " warnings are shown"));
    }
    return std::move(found_);
  }

 private:
  template <size_t N>
  std::map<std::string, std::string> EffectiveFiles(const char* const (&folders)[N],
                                                    absl::string_view suffix) {
    std::map<std::string, std::string> files;
    for (const char* folder : folders) {
      const absl::StatusOr<std::vector<std::string>> names = tree_.List(folder);
      if (!names.ok() && !absl::IsNotFound(names.status())) Warn(names.status());
      if (!names.ok()) continue;
      for (const std::string& name : *names) {
        if (absl::EndsWith(name, suffix)) files.try_emplace(name, absl::StrCat(folder, "/", name));
      }
    }
    for (auto file = files.begin(); file != files.end();) {
      const auto link = tree_.ReadLink(file->second);
      const bool masked = link.ok() && link->has_value() && **link == "/dev/null";
      file = masked ? files.erase(file) : std::next(file);
    }
    return files;
  }

  // "w /sys/devices/system/cpu/cpu3/online - - - - 0".
  static bool WritesDeviceState(absl::string_view line) {
    const std::vector<absl::string_view> words =
        absl::StrSplit(line, absl::ByAnyChar(" \t"), absl::SkipEmpty());
    if (words.size() < 2 || !absl::StartsWith(words[0], "w")) return false;
    const bool device = absl::StartsWith(words[1], "/sys/devices/system/cpu/") ||
                        absl::StartsWith(words[1], "/sys/devices/system/memory/");
    return device && (absl::EndsWith(words[1], "/online") || absl::EndsWith(words[1], "/state") ||
                      absl::EndsWith(words[1], "/smt/control") ||
                      absl::EndsWith(words[1], "/auto_online_blocks"));
  }

  void Add(Actor actor) {
    if (found_.actors.size() == kMaxActors) {
      ++left_out_;
    } else {
      found_.actors.push_back(std::move(actor));
    }
  }

  void Warn(const absl::Status& status) {
    if (found_.warnings.size() == kMaxActorWarnings) {
      ++left_out_;
    } else {
      found_.warnings.push_back(SafeText(status.message()));
    }
  }

  const FileTree& tree_;
  ConflictingActors found_;
  size_t left_out_ = 0;
};

}  // namespace

ConflictingActors FindConflictingActors(const FileTree& tree,
                                        const std::vector<std::string>& driver_units) {
  ActorSearch search(tree);
  search.FindRules();
  search.FindAutoOnline();
  search.FindTmpfiles();
  search.FindDaemons(driver_units);
  return search.Take();
}

}  // namespace hotplugger::agent
