#include "vision/decode/decode.h"

#ifdef BEELD_JXL

#include <jxl/decode.h>

#include <memory>
#include <type_traits>

#include "core/base/shared_library.h"
#include "vision/decode/color.h"

namespace beeld {

namespace {

struct JxlLibrary {
  SharedLibrary library{BEELD_JXL};
  decltype(JxlDecoderCreate)& create = library["JxlDecoderCreate"];
  decltype(JxlDecoderDestroy)& destroy = library["JxlDecoderDestroy"];
  decltype(JxlDecoderSubscribeEvents)& subscribe = library["JxlDecoderSubscribeEvents"];
  decltype(JxlDecoderSetInput)& set_input = library["JxlDecoderSetInput"];
  decltype(JxlDecoderCloseInput)& close_input = library["JxlDecoderCloseInput"];
  decltype(JxlDecoderProcessInput)& process = library["JxlDecoderProcessInput"];
  decltype(JxlDecoderGetBasicInfo)& info = library["JxlDecoderGetBasicInfo"];
  decltype(JxlDecoderGetICCProfileSize)& profile_size = library["JxlDecoderGetICCProfileSize"];
  decltype(JxlDecoderGetColorAsICCProfile)& profile = library["JxlDecoderGetColorAsICCProfile"];
  decltype(JxlDecoderImageOutBufferSize)& out_size = library["JxlDecoderImageOutBufferSize"];
  decltype(JxlDecoderSetImageOutBuffer)& set_out = library["JxlDecoderSetImageOutBuffer"];
};

PixelFormat format_of(const JxlBasicInfo& info) {
  const bool alpha = info.alpha_bits > 0;
  if (info.num_color_channels == 1) return alpha ? PixelFormat::grey_alpha : PixelFormat::grey;
  return alpha ? PixelFormat::rgba : PixelFormat::rgb;
}

class Reader {
 public:
  explicit Reader(const Source& source)
      : source_(source),
        library_(loaded<JxlLibrary>(source)),
        decoder_(library_.create(nullptr), library_.destroy) {
    if (!decoder_) damaged();
    require(
        library_.subscribe(decoder_.get(), JXL_DEC_BASIC_INFO | JXL_DEC_COLOR_ENCODING | JXL_DEC_FULL_IMAGE));
    require(library_.set_input(decoder_.get(), source.bytes.data(), source.bytes.size()));
    library_.close_input(decoder_.get());
  }

  /// The first frame, which libjxl turns upright.
  Image read() {
    for (;;) {
      switch (library_.process(decoder_.get())) {
        case JXL_DEC_BASIC_INFO:
          begin();
          break;
        case JXL_DEC_COLOR_ENCODING:
          if (source_.options.profile == ColorProfile::apply) read_profile();
          break;
        case JXL_DEC_NEED_IMAGE_OUT_BUFFER:
          give_room();
          break;
        case JXL_DEC_FULL_IMAGE:
          return source_.options.profile == ColorProfile::apply
                     ? to_srgb(std::move(image_), metadata_, source_)
                     : std::move(image_);
        case JXL_DEC_NEED_MORE_INPUT:
          fail(ErrorCode::corrupt, source_, "truncated JPEG XL");
        default:
          damaged();
      }
    }
  }

 private:
  [[noreturn]] void damaged() { fail(ErrorCode::corrupt, source_, "damaged JPEG XL"); }

  void require(JxlDecoderStatus status) {
    if (status != JXL_DEC_SUCCESS) damaged();
  }

  void begin() {
    JxlBasicInfo info{};
    require(library_.info(decoder_.get(), &info));
    // libjxl holds every channel as float twice, beside its coefficients.
    const std::int64_t channels = std::int64_t{info.num_color_channels} + info.num_extra_channels;
    check_size(source_, info.xsize, info.ysize, 4 + 12 * channels);
    image_ = make_image(info.xsize, info.ysize, format_of(info));
    format_ = {static_cast<std::uint32_t>(image_.channels()), JXL_TYPE_UINT8, JXL_NATIVE_ENDIAN, 0};
  }

  /// The colours of the samples; a picture without them is left as it is.
  void read_profile() {
    std::size_t size = 0;
    constexpr std::size_t most = std::size_t{16} << 20;
    if (ask(library_.profile_size, JXL_COLOR_PROFILE_TARGET_DATA, &size) != JXL_DEC_SUCCESS || size > most)
      return;
    metadata_.icc.resize(size);
    if (ask(library_.profile, JXL_COLOR_PROFILE_TARGET_DATA, metadata_.icc.data(), size) != JXL_DEC_SUCCESS)
      metadata_.icc.clear();
  }

  /// libjxl before 0.9 takes a pixel format that it does not look at.
  template <class Function, class... Arguments>
  JxlDecoderStatus ask(Function& function, Arguments... arguments) {
    if constexpr (std::is_invocable_v<Function&, JxlDecoder*, Arguments...>) {
      return function(decoder_.get(), arguments...);
    } else {
      return function(decoder_.get(), &format_, arguments...);
    }
  }

  void give_room() {
    std::size_t size = 0;
    require(library_.out_size(decoder_.get(), &format_, &size));
    if (size != image_.samples.size()) damaged();
    require(library_.set_out(decoder_.get(), &format_, image_.samples.data(), size));
  }

  const Source& source_;
  const JxlLibrary& library_;
  std::unique_ptr<JxlDecoder, void (&)(JxlDecoder*)> decoder_;
  JxlPixelFormat format_{};
  Metadata metadata_;  ///< the profile alone
  Image image_;
};

}  // namespace

Image decode_jxl(const Source& source) { return Reader(source).read(); }

}  // namespace beeld

#else

namespace beeld {

Image decode_jxl(const Source& source) { fail_without(source, "libjxl", "JPEG XL"); }

}  // namespace beeld

#endif
