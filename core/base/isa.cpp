#include "core/base/isa.h"

#include <beeld/error.h>
#include <hwy/targets.h>

#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

namespace beeld {

namespace {

#if HWY_ARCH_ARM
constexpr std::string_view names = "neon or scalar";
#else
constexpr std::string_view names = "avx2, sse4 or scalar";
#endif

std::optional<Isa> named(std::string_view name) {
  if (name.empty()) return Isa::best;
  if (name == "scalar") return Isa::scalar;
#if HWY_ARCH_ARM
  if (name == "neon") return Isa::neon;
#else
  if (name == "avx2") return Isa::avx2;
  if (name == "sse4") return Isa::sse4;
#endif
  return std::nullopt;
}

std::string_view wanted() {
  const char* name = std::getenv("BEELD_ISA");
  return name ? name : "";
}

// Highway's better targets are the lower bits.
std::int64_t allowed_targets(Isa isa) {
  switch (isa) {
    case Isa::scalar:
      return -HWY_EMU128;
    case Isa::sse4:
      return -HWY_SSE4;
    case Isa::avx2:
      return -HWY_AVX2;
    case Isa::neon:
      return -HWY_NEON;
    case Isa::best:
      break;
  }
  return -1;
}

// Vector code chooses its target at its first call, which may come before anybody asks for isa().
const bool targets_are_limited = [] {
  const auto isa = named(wanted());
  if (isa && *isa != Isa::best) hwy::DisableTargets(~allowed_targets(*isa));
  return isa.has_value();
}();

}  // namespace

Isa isa() {
  static const auto chosen = named(wanted());
  if (!chosen || !targets_are_limited) {
    throw Error(ErrorCode::invalid_argument,
                "[isa] BEELD_ISA is \"" + std::string(wanted()) + "\"; expected " + std::string(names));
  }
  return *chosen;
}

}  // namespace beeld
