#pragma once

namespace beeld::cli {

/// From now on the first Ctrl-C is only noted, so that the command can stop cleanly; a second one ends the
/// process at once.
void watch_interrupts();

/// Whether Ctrl-C was pressed since.
bool interrupted();

}  // namespace beeld::cli
