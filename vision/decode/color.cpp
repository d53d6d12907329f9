#include "vision/decode/color.h"

#ifdef BEELD_ICC

#include <lcms2.h>

#include <algorithm>
#include <optional>

#include "core/base/shared_library.h"

namespace beeld {

namespace {

struct IccLibrary {
  SharedLibrary library{BEELD_ICC};
  decltype(cmsCreateContext)& create_context = library["cmsCreateContext"];
  decltype(cmsDeleteContext)& delete_context = library["cmsDeleteContext"];
  decltype(cmsOpenProfileFromMemTHR)& open = library["cmsOpenProfileFromMemTHR"];
  decltype(cmsCloseProfile)& close = library["cmsCloseProfile"];
  decltype(cmsGetColorSpace)& space_of = library["cmsGetColorSpace"];
  decltype(cmsCreate_sRGBProfileTHR)& create_srgb = library["cmsCreate_sRGBProfileTHR"];
  decltype(cmsCreateRGBProfileTHR)& create_rgb = library["cmsCreateRGBProfileTHR"];
  decltype(cmsBuildParametricToneCurve)& build_curve = library["cmsBuildParametricToneCurve"];
  decltype(cmsFreeToneCurve)& free_curve = library["cmsFreeToneCurve"];
  decltype(cmsCreateTransformTHR)& create_transform = library["cmsCreateTransformTHR"];
  decltype(cmsDeleteTransform)& delete_transform = library["cmsDeleteTransform"];
  decltype(cmsDoTransform)& transform = library["cmsDoTransform"];
};

/// Primaries and white point by number, as ITU-T H.273 lists them; none for those of sRGB itself.
struct Primaries {
  cmsCIExyY white;
  cmsCIExyYTRIPLE colours;
};

std::optional<Primaries> primaries_of(int number) {
  constexpr cmsCIExyY d65{0.3127, 0.3290, 1.0};
  switch (number) {
    case 9:
      return Primaries{d65, {{0.708, 0.292, 1}, {0.170, 0.797, 1}, {0.131, 0.046, 1}}};
    case 11:
      return Primaries{{0.314, 0.351, 1}, {{0.680, 0.320, 1}, {0.265, 0.690, 1}, {0.150, 0.060, 1}}};
    case 12:
      return Primaries{d65, {{0.680, 0.320, 1}, {0.265, 0.690, 1}, {0.150, 0.060, 1}}};
    default:
      return std::nullopt;
  }
}

/// Handles of one conversion, freed in turn.
class Conversion {
 public:
  explicit Conversion(const IccLibrary& library)
      : library_(library), context_(library.create_context(nullptr, nullptr)) {}
  ~Conversion() {
    if (transform_) library_.delete_transform(transform_);
    if (from_) library_.close(from_);
    if (to_) library_.close(to_);
    if (context_) library_.delete_context(context_);
  }
  Conversion(const Conversion&) = delete;
  Conversion& operator=(const Conversion&) = delete;

  bool open(const Metadata& metadata) {
    if (!metadata.icc.empty()) {
      from_ = library_.open(context_, metadata.icc.data(), static_cast<cmsUInt32Number>(metadata.icc.size()));
    } else if (const auto primaries = primaries_of(metadata.primaries)) {
      from_ = of_primaries(*primaries, metadata.transfer);
    }
    to_ = library_.create_srgb(context_);
    return from_ && to_;
  }

  /// Whether there is a way from a picture of this format.
  bool prepare(PixelFormat format) {
    const auto space = library_.space_of(from_);
    switch (format) {
      case PixelFormat::grey:
      case PixelFormat::grey_alpha:
        // A grey picture with a profile of colours is three equal ones.
        input_ = space == cmsSigGrayData ? TYPE_GRAY_8 : TYPE_RGB_8;
        break;
      case PixelFormat::cmyk:
        input_ = TYPE_CMYK_8;
        break;
      default:
        input_ = TYPE_RGB_8;
    }
    const auto wanted = input_ == TYPE_GRAY_8   ? cmsSigGrayData
                        : input_ == TYPE_CMYK_8 ? cmsSigCmykData
                                                : cmsSigRgbData;
    if (space != wanted) return false;
    transform_ = library_.create_transform(context_, from_, input_, to_, TYPE_RGB_8, INTENT_PERCEPTUAL, 0);
    return transform_ != nullptr;
  }

  int channels_in() const { return static_cast<int>(T_CHANNELS(input_)); }

  void convert(const std::uint8_t* in, std::uint8_t* out, std::size_t pixels) const {
    library_.transform(transform_, in, out, static_cast<cmsUInt32Number>(pixels));
  }

 private:
  /// sRGB's curve for everything but plain powers: the other transfers have no sRGB that they would fit in.
  cmsHPROFILE of_primaries(const Primaries& primaries, int transfer) {
    constexpr cmsFloat64Number srgb[] = {2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045};
    constexpr cmsFloat64Number powers[] = {transfer_power_22, transfer_power_28};
    constexpr int power = 1, srgb_kind = 4;
    auto* curve = transfer == 4   ? library_.build_curve(context_, power, &powers[0])
                  : transfer == 5 ? library_.build_curve(context_, power, &powers[1])
                                  : library_.build_curve(context_, srgb_kind, srgb);
    if (!curve) return nullptr;
    cmsToneCurve* curves[] = {curve, curve, curve};
    auto* profile = library_.create_rgb(context_, &primaries.white, &primaries.colours, curves);
    library_.free_curve(curve);
    return profile;
  }

  static constexpr cmsFloat64Number transfer_power_22 = 2.2, transfer_power_28 = 2.8;

  const IccLibrary& library_;
  cmsContext context_;
  cmsHPROFILE from_ = nullptr, to_ = nullptr;
  cmsHTRANSFORM transform_ = nullptr;
  cmsUInt32Number input_ = TYPE_RGB_8;
};

/// Rows of the picture without its alpha, in the transform's own input.
void gather_row(const Image& image, int y, int channels_in, std::vector<std::uint8_t>& row) {
  const int channels = image.channels();
  const auto* in = image.samples.data() + std::size_t(y) * image.width * channels;
  for (int x = 0; x < image.width; ++x)
    for (int c = 0; c < channels_in; ++c)
      row[std::size_t(x) * channels_in + c] = in[x * channels + (channels <= 2 ? 0 : c)];
}

}  // namespace

Image to_srgb(Image image, const Metadata& metadata, const Source& source) {
  if (metadata.icc.empty() && metadata.primaries == 0) return image;
  Conversion conversion(loaded<IccLibrary>(source));
  if (!conversion.open(metadata) || !conversion.prepare(image.format)) return image;
  if (image.format == PixelFormat::palette && !image.palette.empty()) {
    std::vector<std::uint8_t> colours = image.palette;
    conversion.convert(image.palette.data(), colours.data(), colours.size() / 3);
    image.palette = std::move(colours);
  }
  const bool alpha = image.format == PixelFormat::rgba || image.format == PixelFormat::grey_alpha;
  const int channels = image.channels(), channels_out = alpha ? 4 : 3;
  Image converted = make_image(image.width, image.height, alpha ? PixelFormat::rgba : PixelFormat::rgb);
  if (image.format == PixelFormat::palette) converted.format = PixelFormat::palette;
  converted.palette = std::move(image.palette);
  converted.damage = std::move(image.damage);
  converted.remark = std::move(image.remark);
  std::vector<std::uint8_t> row(std::size_t(image.width) * conversion.channels_in());
  std::vector<std::uint8_t> colours(std::size_t(image.width) * 3);
  for (int y = 0; y < image.height; ++y) {
    gather_row(image, y, conversion.channels_in(), row);
    conversion.convert(row.data(), colours.data(), static_cast<std::size_t>(image.width));
    auto* out = converted.samples.data() + std::size_t(y) * image.width * channels_out;
    const auto* in = image.samples.data() + std::size_t(y) * image.width * channels;
    for (int x = 0; x < image.width; ++x) {
      std::copy_n(&colours[3 * std::size_t(x)], 3, out + x * channels_out);
      if (alpha) out[x * channels_out + 3] = in[x * channels + channels - 1];
    }
  }
  return converted;
}

}  // namespace beeld

#else

namespace beeld {

Image to_srgb(Image image, const Metadata& metadata, const Source& source) {
  if (metadata.icc.empty() && metadata.primaries == 0) return image;
  fail(ErrorCode::unsupported, source,
       "this build of beeld lacks Little CMS (lcms2), which converts colours");
}

}  // namespace beeld

#endif
