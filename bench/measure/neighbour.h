#pragma once

#include <sys/types.h>

namespace beeld::bench {

/// A process that keeps one core busy with arithmetic as long as this object lives.
class Neighbour {
 public:
  Neighbour();
  ~Neighbour();
  Neighbour(const Neighbour&) = delete;
  Neighbour& operator=(const Neighbour&) = delete;

 private:
  pid_t process_;
};

}  // namespace beeld::bench
