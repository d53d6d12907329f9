#include "text/tokenizer/text_stream.h"

#include "text/subword/piece_joiner.h"

namespace beeld {

namespace {

class TokenStream : public TextStream {
 public:
  TokenStream(const Decoder& decoder, FindToken find, const TextDecoding& options)
      : run_(decoder), find_(std::move(find)), options_(options) {}

  std::string push(std::int32_t id) override {
    const auto token = find_(id);
    if (!token || (token->special && options_.special_tokens == SpecialTokens::skip)) return {};
    run_.add(token->text);
    run_.end_token();
    return run_.take();
  }

  std::string finish() override {
    run_.finish();
    return run_.take();
  }

 private:
  Decoder::Run run_;
  FindToken find_;
  TextDecoding options_;
};

class PieceStream : public TextStream {
 public:
  PieceStream(const PieceStreamParts& parts, const TextDecoding& options)
      : model_(parts.model),
        tokens_(parts.tokens),
        joiner_(parts.model),
        run_(parts.decoder),
        options_(options) {}

  std::string push(std::int32_t id) override {
    std::string text;
    if (const auto* token = tokens_.find(id)) {
      if (token->special && options_.special_tokens == SpecialTokens::skip) return {};
      joiner_.add_text(token->content, text);
    } else if (id >= 0 && static_cast<std::size_t>(id) < model_.size()) {
      joiner_.add(id, text);
    }
    run_.add(text);
    return run_.take();
  }

  std::string finish() override {
    std::string text;
    joiner_.finish(text);
    run_.add(text);
    run_.end_token();
    run_.finish();
    return run_.take();
  }

 private:
  const SentencePieceModel& model_;
  const AddedTokens& tokens_;
  PieceJoiner joiner_;
  Decoder::Run run_;
  TextDecoding options_;
};

}  // namespace

std::unique_ptr<TextStream> stream_tokens(const Decoder& decoder, FindToken find,
                                          const TextDecoding& options) {
  return std::make_unique<TokenStream>(decoder, std::move(find), options);
}

std::unique_ptr<TextStream> stream_pieces(const PieceStreamParts& parts, const TextDecoding& options) {
  return std::make_unique<PieceStream>(parts, options);
}

}  // namespace beeld
