#pragma once

#include <beeld/model.h>

#include <filesystem>
#include <string>
#include <vector>

namespace beeld::bench {

/// What the encoders read: 32 items of each kind.
struct EncoderInputs {
  std::vector<Pixels> pictures;       ///< waves, 224 pixels square
  std::vector<std::string> texts;     ///< 77 tokens each
  std::vector<std::string> captions;  ///< as many tokens as real captions have
  std::string source;                 ///< where the captions' lengths are from
};

/// Captions are letters that are one token each: their lengths are those of CLIP's tokens for captions of
/// COCO in the shared folder, or without it of the words that name the drawn gallery's pictures.
EncoderInputs make_encoder_inputs(const Model& model);

/// The files that the peers read: pictures.f32 [32,3,224,224], and texts.i64 and captions.i64 [32,77], filled
/// up with end tokens.
void write_encoder_inputs(const EncoderInputs& inputs, const Model& model,
                          const std::filesystem::path& folder);

/// Tokens of all of these texts together.
std::size_t token_count(const Model& model, const std::vector<std::string>& texts);

}  // namespace beeld::bench
