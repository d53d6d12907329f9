#include <beeld/zero_shot.h>

namespace beeld {}
