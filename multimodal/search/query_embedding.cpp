#include <beeld/index.h>

#include "multimodal/hub/fetch_image.h"
#include "multimodal/search/query.h"

namespace beeld {

std::vector<float> query_embedding(const Model& model, const std::string& expression,
                                   const std::vector<std::string>& templates) {
  const auto embed = [&](const Image& image) {
    const auto pixels = model.preprocess(image);
    return model.encode_pixels(std::span(&pixels, 1)).values;
  };
  const QueryEncoder encoder{
      .texts = [&](std::span<const std::string> texts) { return model.encode_texts(texts); },
      .picture = [&](const std::filesystem::path& path) { return embed(load_image(path)); },
      .address =
          [&](const std::string& address) {
            const auto bytes = fetch_image(address);
            return embed(decode_image({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()}, {},
                                      address));
          }};
  return embed_query(parse_query(expression), encoder, templates);
}

}  // namespace beeld
