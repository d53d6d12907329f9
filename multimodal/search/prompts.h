#pragma once

#include <beeld/matrix.h>

#include <functional>
#include <span>
#include <string>
#include <vector>

namespace beeld {

/// A template such as "a photo of a {}." with the text in place of its first {}. Throws
/// Error(invalid_argument) where there is none.
std::string fill_template(const std::string& pattern, const std::string& text);

/// How texts become rows, which need not be of unit length: [N] to [N,D].
using TextEncoder = std::function<Matrix(std::span<const std::string>)>;

/// Unit embeddings [N,D] of texts by prompt ensembling (CLIP, section 3.1.4): each is the mean of the unit
/// embeddings of its prompts, one for each template; without templates the text itself is the prompt.
///
/// Throws Error(invalid_argument) for a template without {}, and where the model gives zeros or infinities or
/// the prompts of a text cancel each other.
Matrix embed_by_prompts(const TextEncoder& encode, std::span<const std::string> texts,
                        const std::vector<std::string>& templates);

}  // namespace beeld
