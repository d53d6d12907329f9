#include "tests/support/tar.h"

#include <cstdio>

namespace beeld::testing {

std::string tar_entry(const std::string& name, const std::string& content) {
  std::string header(512, '\0');
  header.replace(0, name.size(), name);
  char numbers[40];
  std::snprintf(numbers, sizeof numbers, "%011zo", content.size());
  header.replace(100, 7, "0000644");
  header.replace(124, 11, numbers);
  header.replace(136, 11, "00000000000");
  header.replace(148, 8, "        ");
  header[156] = '0';
  header.replace(257, 8,
                 std::string("ustar\0"
                             "00",
                             8));
  unsigned sum = 0;
  for (const unsigned char byte : header) sum += byte;
  std::snprintf(numbers, sizeof numbers, "%06o", sum);
  header.replace(148, 7, std::string(numbers) + '\0');
  return header + content + std::string((512 - content.size() % 512) % 512, '\0');
}

std::string tar_end() { return std::string(1024, '\0'); }

}  // namespace beeld::testing
