// Pins one page of a wanted memory block, so that the block's offline never ends.
//   pin-memory BLOCK...
// Prints the block ("memory5") once a page of it is pinned, then stays until it is killed.
//
// The page is anonymous memory given to a pipe that nobody reads (vmsplice): the kernel takes a
// short reference for it, as for any I/O, and so leaves it in the movable zone; migrating it fails
// for as long as the reference is held, and offlining a block tries that without an end.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

enum { kPageBytes = 4096, kAtOnceMib = 16, kMaxPieces = 4096 };

static void Fail(const char* what) {
  perror(what);
  exit(1);
}

static unsigned long BlockPages(void) {
  FILE* file = fopen("/sys/devices/system/memory/block_size_bytes", "r");
  unsigned long bytes = 0;
  if (file == NULL || fscanf(file, "%lx", &bytes) != 1) Fail("block_size_bytes");
  fclose(file);
  return bytes / kPageBytes;
}

static unsigned long FrameOf(int pagemap, const char* page) {
  uint64_t entry = 0;
  const off_t place = (off_t)((uintptr_t)page / kPageBytes * sizeof entry);
  if (pread(pagemap, &entry, sizeof entry, place) != sizeof entry) Fail("/proc/self/pagemap");
  return entry & ((UINT64_C(1) << 55) - 1);  // 0 where we may not see it
}

static int IsWanted(unsigned long block, int count, char** blocks) {
  for (int i = 0; i < count; ++i) {
    if (strtoul(blocks[i], NULL, 10) == block) return 1;
  }
  return 0;
}

static void Pin(char* page) {
  int ends[2];
  if (pipe(ends) != 0) Fail("pipe");
  const struct iovec piece = {page, kPageBytes};
  if (vmsplice(ends[1], &piece, 1, 0) != kPageBytes) Fail("vmsplice");
}

int main(int argc, char** argv) {
  const unsigned long pages = BlockPages();
  const int pagemap = open("/proc/self/pagemap", O_RDONLY);
  if (pagemap < 0) Fail("/proc/self/pagemap");
  const long free_mib = sysconf(_SC_AVPHYS_PAGES) / 256;
  const size_t size = (size_t)kAtOnceMib << 20;
  // What was looked at stays touched, so that the kernel gives out other pages.
  static char* looked_at[kMaxPieces];
  for (int i = 0; i < kMaxPieces && i < free_mib * 8 / 10 / kAtOnceMib; ++i) {
    char* memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) Fail("mmap");
    looked_at[i] = memory;
    madvise(memory, size, MADV_NOHUGEPAGE);
    memset(memory, 1, size);
    for (char* page = memory; page < memory + size; page += kPageBytes) {
      const unsigned long block = FrameOf(pagemap, page) / pages;
      if (!IsWanted(block, argc - 1, argv + 1)) continue;
      Pin(page);
      // Moving all this away would take longer than what a test is about.
      while (i-- > 0) munmap(looked_at[i], size);
      printf("memory%lu\n", block);
      fflush(stdout);
      for (;;) pause();
    }
  }
  fprintf(stderr, "pin-memory: no page of these blocks came\n");
  return 1;
}
