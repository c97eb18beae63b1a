// Hosts recorded in tests/testdata/hosts, laid out in a temp directory. A file a host; each line is
// `path<TAB>content`, the content C-escaped, or `path<TAB>-> target` for a symbolic link; lines
// that begin with # say where it comes from.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "tests/fakes/temp_dir.h"

namespace hotplugger::testing {

// Throws std::runtime_error, which fails the test, for a line that isn't as above.
class RecordedHost {
 public:
  // `name` is the file's, without ".txt".
  explicit RecordedHost(const std::string& name) {
    const std::string file =
        absl::StrCat(HOTPLUGGER_SOURCE_DIR "/tests/testdata/hosts/", name, ".txt");
    std::ifstream lines(file);
    if (!lines) throw std::runtime_error("can't read " + file);
    int number = 0;
    for (std::string line; std::getline(lines, line);) {
      ++number;
      if (line.empty() || line[0] == '#') continue;
      if (!AddLine(line)) throw std::runtime_error(absl::StrCat(file, ":", number, ": ", line));
    }
  }

  // Stands for the host's root.
  const std::string& root() const { return dir_.path(); }
  const TempDir& dir() const { return dir_; }

 private:
  bool AddLine(const std::string& line) const {
    const size_t tab = line.find('\t');
    if (tab == std::string::npos || tab == 0 || line[0] == '/') return false;
    const std::string path = line.substr(0, tab);
    absl::string_view value = absl::string_view(line).substr(tab + 1);
    if (absl::ConsumePrefix(&value, "-> ")) {
      const std::filesystem::path link(dir_.Path(path));
      std::filesystem::create_directories(link.parent_path());
      std::filesystem::create_symlink(std::string(value), link);
      return true;
    }
    std::string content;
    if (!absl::CUnescape(value, &content)) return false;
    dir_.Write(path, content);
    return true;
  }

  TempDir dir_;
};

// All that are there, sorted.
inline std::vector<std::string> RecordedHostNames() {
  std::vector<std::string> names;
  for (const auto& entry :
       std::filesystem::directory_iterator(HOTPLUGGER_SOURCE_DIR "/tests/testdata/hosts")) {
    if (entry.path().extension() == ".txt") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace hotplugger::testing
