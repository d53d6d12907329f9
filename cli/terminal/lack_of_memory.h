#pragma once

namespace beeld::cli {

/// Says that memory is lacking, and ends the process with the code of nothing done. Allocates nothing, and
/// may be called by a signal handler.
[[noreturn]] void end_for_lack_of_memory();

/// Whether the system bounds the addresses that this process may use (ulimit -v).
bool memory_is_limited();

/// From here on lack of memory ends the process with a message also where it would not come as an exception.
/// In a process whose memory is limited some libraries crash for want of it; a crash counts as such where
/// there is indeed none left, and is a crash otherwise.
void watch_for_lack_of_memory();

}  // namespace beeld::cli
