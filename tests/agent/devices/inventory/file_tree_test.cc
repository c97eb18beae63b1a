#include "agent/devices/inventory/file_tree.h"

#include <sys/stat.h>

#include <atomic>
#include <cstdio>
#include <thread>

#include "tests/agent/devices/inventory/tree_fixture.h"

namespace hotplugger::agent {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class FileTreeTest : public testing::TreeTest {
 protected:
  FileTreeTest() {
    dir_.Write("tree/a/file", "value\n");
    dir_.Write("outside", "secret");
    tree_ = *FileTree::Open(dir_.Path("tree"));
  }

  std::vector<std::string> Lines(const std::string& path) {
    std::vector<std::string> lines;
    EXPECT_EQ(tree_->VisitLines(path,
                                [&](absl::string_view line) {
                                  lines.emplace_back(line);
                                  return absl::OkStatus();
                                }),
              absl::OkStatus());
    return lines;
  }

  std::unique_ptr<FileTree> tree_;
};

TEST_F(FileTreeTest, ReadsAFileWhole) { EXPECT_EQ(*tree_->Read("a/file"), "value\n"); }

// Around the size of one read, and the largest.
TEST_F(FileTreeTest, ReadsEveryLength) {
  for (const size_t length : {size_t{0}, size_t{4095}, size_t{4096}, size_t{4097}, size_t{8192},
                              FileTree::kMaxFileBytes}) {
    const std::string content(length, 'x');
    for (const char* path : {"long", "proc/long"}) {
      dir_.Write(std::string("tree/") + path, content);
      EXPECT_TRUE(*tree_->Read(path) == content) << path << " of " << length;
    }
  }
}

TEST_F(FileTreeTest, RefusesWhatIsTooLong) {
  dir_.Write("tree/long", std::string(FileTree::kMaxFileBytes + 1, 'x'));
  EXPECT_EQ(ErrorReason(tree_->Read("long").status()), "EFBIG");
}

TEST_F(FileTreeTest, MissingFileNamesThePath) {
  const absl::Status status = tree_->Read("a/none").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(status.message()), HasSubstr("tree/a/none"));
}

TEST_F(FileTreeTest, ReadIfThereTellsMissingFromUnreadable) {
  EXPECT_EQ(tree_->ReadIfThere("a/file")->value(), "value\n");
  EXPECT_EQ(*tree_->ReadIfThere("a/none"), std::nullopt);
  EXPECT_EQ(*tree_->ReadIfThere("a/file/below"), std::nullopt);
  EXPECT_EQ(ErrorReason(tree_->ReadIfThere("a").status()), "EISDIR");
}

// Opening one for reading waits for a writer, as a rule.
TEST_F(FileTreeTest, APipeDoesNotHoldUpAReader) {
  ASSERT_EQ(mkfifo(dir_.Path("tree/pipe").c_str(), 0600), 0);
  EXPECT_EQ(*tree_->Read("pipe"), "");
  EXPECT_THAT(Lines("pipe"), IsEmpty());
}

TEST_F(FileTreeTest, ListsSorted) {
  dir_.Write("tree/b", "");
  Link("tree/c", "a");
  EXPECT_THAT(*tree_->List("."), ElementsAre("a", "b", "c"));
  EXPECT_THAT(*tree_->ListFolders("."), ElementsAre("a"));
  EXPECT_EQ(ErrorReason(tree_->List("none").status()), "ENOENT");
}

// More names than one system call gives.
TEST_F(FileTreeTest, ListsLargeFolders) {
  std::vector<std::string> names;
  for (int i = 10'000; i < 12'000; ++i) {
    names.push_back("a-name-of-some-length-" + std::to_string(i));
    dir_.Write("tree/many/" + names.back(), "");
  }
  EXPECT_EQ(*tree_->List("many"), names);
}

TEST_F(FileTreeTest, TellsWhatIsThere) {
  EXPECT_TRUE(*tree_->Exists("a/file"));
  EXPECT_FALSE(*tree_->Exists("a/none"));
  EXPECT_FALSE(*tree_->Exists("a/file/below"));
}

TEST_F(FileTreeTest, PathsCannotLeaveTheRoot) {
  Link("tree/absolute", dir_.Path("outside"));
  Link("tree/upwards", "../outside");
  Link("tree/var/absolute", dir_.Path("outside"));
  Link("tree/var/upwards", "../../../outside");
  for (const char* path : {"../outside", "absolute", "upwards", "a/../../outside", "/etc/passwd",
                           "var/absolute", "var/upwards", "var/../../outside"}) {
    EXPECT_FALSE(tree_->Read(path).ok()) << path;
    EXPECT_FALSE(tree_->Exists(path).value_or(false)) << path;
  }
}

TEST_F(FileTreeTest, PathsWithANulAreRefused) {
  const absl::string_view path("a/file\0/x", 9);
  EXPECT_EQ(ErrorReason(tree_->Read(path).status()), "EINVAL");
  EXPECT_EQ(ErrorReason(tree_->Exists(std::string(5000, 'x')).status()), "ENAMETOOLONG");
}

TEST_F(FileTreeTest, LinksInsideAreFollowed) {
  Link("tree/link", "a/file");
  EXPECT_EQ(*tree_->Read("link"), "value\n");
}

// The kernel refuses a ".." with EAGAIN while anything on the host is being renamed.
TEST_F(FileTreeTest, LinksAreFollowedWhileOthersRenameFiles) {
  Link("tree/b/link", "../a/file");
  const std::string names[] = {dir_.Path("one"), dir_.Path("other")};
  dir_.Write("one", "");
  std::atomic<bool> done = false;
  std::thread renamer([&] {
    for (int i = 0; !done; i ^= 1) rename(names[i].c_str(), names[i ^ 1].c_str());
  });
  for (int i = 0; i < 20'000; ++i) {
    const absl::StatusOr<std::string> content = tree_->Read("b/link");
    EXPECT_EQ(content.status(), absl::OkStatus()) << i;
    if (!content.ok()) break;
  }
  done = true;
  renamer.join();
}

// As administrators move /var/lib/kubelet to another disk.
TEST_F(FileTreeTest, AbsoluteLinksInVarCountFromTheRoot) {
  Link("tree/var/lib/kubelet", "/a");
  EXPECT_EQ(*tree_->Read("var/lib/kubelet/file"), "value\n");
}

TEST_F(FileTreeTest, ReadsLinks) {
  Link("tree/b/link", "../a/file");
  EXPECT_EQ(*tree_->ReadLink("b/link"), "../a/file");
  EXPECT_EQ(*tree_->ReadLink("a/file"), std::nullopt);
  EXPECT_EQ(*tree_->ReadLink("b/none"), std::nullopt);
}

TEST_F(FileTreeTest, FoldersAreTreesOfTheirOwn) {
  const auto folder = *tree_->OpenFolder("a");
  EXPECT_EQ(*folder->Read("file"), "value\n");
  EXPECT_FALSE(folder->Read("../a/file").ok());
  EXPECT_EQ(folder->FullPath("file"), dir_.Path("tree/a/file"));
  EXPECT_EQ(ErrorReason(tree_->OpenFolder("none").status()), "ENOENT");
  EXPECT_EQ(ErrorReason(tree_->OpenFolder("a/file").status()), "ENOTDIR");
}

TEST_F(FileTreeTest, FullPathBelowTheRootOfAHost) {
  EXPECT_EQ((*FileTree::Open("/"))->FullPath("sys/x"), "/sys/x");
}

TEST_F(FileTreeTest, VisitsLines) {
  const std::string first(100'000, 'x');  // longer than a read
  dir_.Write("tree/lines", first + "\n\nlast");
  EXPECT_THAT(Lines("lines"), ElementsAre(first, "", "last"));
  dir_.Write("tree/lines", "a\nb\n");
  EXPECT_THAT(Lines("lines"), ElementsAre("a", "b"));
}

TEST_F(FileTreeTest, VisitingEndsWithTheFirstError) {
  dir_.Write("tree/lines", "a\nb\n");
  int calls = 0;
  const absl::Status status = tree_->VisitLines("lines", [&](absl::string_view) {
    ++calls;
    return absl::AbortedError("enough");
  });
  EXPECT_EQ(status.code(), absl::StatusCode::kAborted);
  EXPECT_EQ(calls, 1);
}

TEST_F(FileTreeTest, ALineOfAFileCanBeTooLong) {
  dir_.Write("tree/lines", std::string(FileTree::kMaxFileBytes + 1, 'x'));
  const auto ignore = [](absl::string_view) { return absl::OkStatus(); };
  EXPECT_EQ(ErrorReason(tree_->VisitLines("lines", ignore)), "EFBIG");
}

TEST_F(FileTreeTest, ADirectoryIsNoSysfs) {
  const absl::Status status = tree_->CheckIsSysfs("a");
  EXPECT_EQ(ErrorReason(status), "NOT_SYSFS");
  EXPECT_THAT(std::string(status.message()), HasSubstr("--sysroot"));
  EXPECT_EQ(ErrorReason(tree_->CheckIsSysfs("none")), "ENOENT");
}

TEST_F(FileTreeTest, ARootThatIsNotThere) {
  EXPECT_EQ(ErrorReason(FileTree::Open(dir_.Path("none")).status()), "ENOENT");
}

}  // namespace
}  // namespace hotplugger::agent
