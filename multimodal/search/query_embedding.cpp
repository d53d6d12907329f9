#include <beeld/index.h>

#include "multimodal/search/query.h"

namespace beeld {

std::vector<float> query_embedding(const Model& model, const std::string& expression,
                                   const std::vector<std::string>& templates) {
  const QueryEncoder encoder{[&](std::span<const std::string> texts) { return model.encode_texts(texts); },
                             [&](const std::filesystem::path& path) {
                               const auto pixels = model.preprocess(load_image(path));
                               return model.encode_pixels(std::span(&pixels, 1)).values;
                             }};
  return embed_query(parse_query(expression), encoder, templates);
}

}  // namespace beeld
