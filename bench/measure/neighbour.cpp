#include "bench/measure/neighbour.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stdexcept>

namespace beeld::bench {

Neighbour::Neighbour() : process_(::fork()) {
  if (process_ < 0) throw std::runtime_error("bench: no process for a busy neighbour");
  if (process_ > 0) return;
  // It must not outlive a bench that is killed.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (volatile unsigned spin = 0;;) spin = spin + 1;
}

Neighbour::~Neighbour() {
  ::kill(process_, SIGKILL);
  ::waitpid(process_, nullptr, 0);
}

}  // namespace beeld::bench
