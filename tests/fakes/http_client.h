// A client of a server of HTTP on loopback, down to the single bytes.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cstdint>
#include <map>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "common/scoped_fd.h"

namespace hotplugger::testing {

struct HttpAnswer {
  // 0: none came.
  int status = 0;
  // By name in lower case.
  std::map<std::string, std::string> headers;
  std::string body;

  std::string header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? "" : found->second;
  }
  // Whether all of the body is there.
  bool complete() const { return status != 0 && header("content-length") == Size(); }
  std::string Size() const { return absl::StrCat(body.size()); }
};

inline HttpAnswer ParseHttpAnswer(const std::string& bytes) {
  HttpAnswer answer;
  const size_t head_end = bytes.find("\r\n\r\n");
  if (head_end == std::string::npos) return answer;
  answer.body = bytes.substr(head_end + 4);
  bool first = true;
  for (const absl::string_view line : absl::StrSplit(bytes.substr(0, head_end), "\r\n")) {
    if (first) {
      const std::vector<absl::string_view> words = absl::StrSplit(line, ' ');
      if (words.size() < 2 || !absl::SimpleAtoi(words[1], &answer.status)) answer.status = 0;
    } else {
      const std::pair<std::string, std::string> header =
          absl::StrSplit(line, absl::MaxSplits(": ", 1));
      answer.headers[absl::AsciiStrToLower(header.first)] = header.second;
    }
    first = false;
  }
  return answer;
}

// One connection. Nothing on it waits longer than 60 s.
class HttpConnection {
 public:
  // `receive_buffer`: so little is taken before somebody reads it; 0: as usual.
  explicit HttpConnection(int port, int receive_buffer = 0)
      : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval patience{60, 0};
    setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(socket_.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (receive_buffer > 0) {
      setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    }
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
              0);
  }

  // Whether all of it was taken.
  bool Send(const std::string& bytes) {
    return send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(bytes.size());
  }
  // `headers`: lines with their ends.
  bool Ask(const std::string& path, const std::string& headers = "",
           const std::string& method = "GET") {
    return Send(
        absl::StrCat(method, " ", path, " HTTP/1.1\r\nHost: localhost\r\n", headers, "\r\n"));
  }

  // So much at most; "" at the end, whichever way that comes.
  std::string Receive(size_t most) {
    std::string bytes(most, '\0');
    const ssize_t got = recv(socket_.get(), bytes.data(), most, 0);
    bytes.resize(got > 0 ? static_cast<size_t>(got) : 0);
    return bytes;
  }
  std::string ReceiveAll() {
    std::string all;
    for (std::string part; !(part = Receive(size_t{64} * 1024)).empty();) all += part;
    return all;
  }

 private:
  const ScopedFd socket_;
};

inline HttpAnswer HttpGet(int port, const std::string& path, const std::string& headers = "",
                          const std::string& method = "GET") {
  HttpConnection connection(port);
  EXPECT_TRUE(connection.Ask(path, headers, method));
  return ParseHttpAnswer(connection.ReceiveAll());
}

}  // namespace hotplugger::testing
