// Makes the kernel itself use memory, which can't be moved: blocks of kernel zones then can't go
// offline (EBUSY).
//   hold-kernel-memory MIB
// Prints how much it holds, in MiB, then stays until it is killed.
//
// A pipe's pages are the kernel's own and not movable, so they come from the kernel zones.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { kPipeBytes = 1 << 20 };

int main(int argc, char** argv) {
  static char content[kPipeBytes];
  const int wanted = argc == 2 ? atoi(argv[1]) : 0;
  int held = 0;
  memset(content, 1, sizeof content);
  for (; held < wanted; ++held) {
    int ends[2];
    if (pipe2(ends, O_NONBLOCK) != 0 || fcntl(ends[1], F_SETPIPE_SZ, kPipeBytes) < 0 ||
        write(ends[1], content, sizeof content) != sizeof content) {
      perror("hold-kernel-memory");
      return 1;
    }
  }
  printf("%d\n", held);
  fflush(stdout);
  for (;;) pause();
}
