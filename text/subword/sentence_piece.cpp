#include "text/subword/sentence_piece.h"

#include <beeld/error.h>
#include <sentencepiece_processor.h>

#include "core/base/files.h"
#include "text/unicode/charsmap.h"
#include "text/unicode/utf8.h"

namespace beeld {

namespace {

constexpr std::size_t largest_file = 64u << 20;

[[noreturn]] void corrupt(const std::string& name, const std::string& what) {
  throw Error(ErrorCode::corrupt, "[sentencepiece] " + name + ": " + what);
}

/// Walks the fields of a protocol buffer message.
class Fields {
 public:
  Fields(std::string_view message, const std::string& name) : rest_(message), name_(name) {}

  /// Moves to the next field; false at the end.
  bool next() {
    if (rest_.empty()) return false;
    const auto tag = varint();
    number = tag >> 3;
    content = {};
    value = 0;
    switch (tag & 7) {
      case 0:
        value = varint();
        break;
      case 1:
        take(8);
        break;
      case 2:
        content = take(varint());
        break;
      case 5:
        take(4);
        break;
      default:
        corrupt(name_, "not a SentencePiece model");
    }
    return true;
  }

  std::uint64_t number = 0;
  std::uint64_t value = 0;   ///< of a number
  std::string_view content;  ///< of a length-delimited field

 private:
  std::uint64_t varint() {
    std::uint64_t number_read = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<unsigned char>(take(1)[0]);
      number_read |= std::uint64_t{byte & 0x7Fu} << shift;
      if (byte < 0x80) return number_read;
    }
    corrupt(name_, "a number of more than 64 bits");
  }

  std::string_view take(std::uint64_t size) {
    if (size > rest_.size()) corrupt(name_, "truncated");
    const auto result = rest_.substr(0, static_cast<std::size_t>(size));
    rest_.remove_prefix(static_cast<std::size_t>(size));
    return result;
  }

  std::string_view rest_;
  const std::string& name_;
};

/// The library trusts the normalizers' tries, so they are checked first.
PieceJoining check_normalizers(std::string_view model, const std::string& name) {
  constexpr std::uint64_t trainer_spec = 2;
  constexpr std::uint64_t normalizer_spec = 3;
  constexpr std::uint64_t denormalizer_spec = 5;
  constexpr std::uint64_t precompiled_charsmap = 2;
  constexpr std::uint64_t add_dummy_prefix = 3;
  constexpr std::uint64_t remove_extra_whitespaces = 4;
  constexpr std::uint64_t unk_surface = 44;
  PieceJoining joining;
  std::string charsmaps[2];
  for (Fields fields(model, name); fields.next();) {
    const bool normalizer = fields.number == normalizer_spec;
    if (!normalizer && fields.number != denormalizer_spec && fields.number != trainer_spec) continue;
    for (Fields spec(fields.content, name); spec.next();) {
      if (fields.number == trainer_spec) {
        if (spec.number == unk_surface) joining.unknown = valid_utf8(spec.content);
        continue;
      }
      if (spec.number == precompiled_charsmap) charsmaps[normalizer ? 0 : 1] = spec.content;
      if (normalizer && spec.number == add_dummy_prefix) joining.dummy_prefix = spec.value != 0;
      if (normalizer && spec.number == remove_extra_whitespaces) {
        joining.remove_extra_whitespaces = spec.value != 0;
      }
    }
  }
  for (const auto& charsmap : charsmaps) {
    if (!charsmap.empty()) Charsmap(charsmap, name);
  }
  joining.has_denormalizer = !charsmaps[1].empty();
  return joining;
}

}  // namespace

SentencePieceModel::SentencePieceModel(const std::filesystem::path& file, DummyPrefix dummy_prefix)
    : processor_(std::make_unique<sentencepiece::SentencePieceProcessor>()), name_(file.string()) {
  auto model = read_file(file, largest_file);
  joining_ = check_normalizers(model, name_);
  if (dummy_prefix == DummyPrefix::never) {
    // Messages that follow one another are merged: normalizer_spec { add_dummy_prefix: false }.
    model += std::string_view("\x1A\x02\x18\x00", 4);
  }
  try {
    const auto status = processor_->LoadFromSerializedProto(model);
    if (!status.ok()) corrupt(name_, status.ToString());
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    corrupt(name_, error.what());
  }
}

SentencePieceModel::~SentencePieceModel() = default;

std::vector<std::int32_t> SentencePieceModel::encode(std::string_view text) const {
  std::vector<int> ids;
  const auto status = processor_->Encode({text.data(), text.size()}, &ids);
  if (!status.ok()) corrupt(name_, status.ToString());
  return {ids.begin(), ids.end()};
}

std::vector<std::string> SentencePieceModel::encode_pieces(std::string_view text) const {
  std::vector<std::string> pieces;
  const auto status = processor_->Encode({text.data(), text.size()}, &pieces);
  if (!status.ok()) corrupt(name_, status.ToString());
  return pieces;
}

PieceKind SentencePieceModel::kind(std::int32_t id) const {
  if (processor_->IsControl(id)) return PieceKind::control;
  if (processor_->IsUnknown(id)) return PieceKind::unknown;
  return processor_->IsByte(id) ? PieceKind::byte : PieceKind::text;
}

std::int32_t SentencePieceModel::find(std::string_view piece) const {
  const auto id = processor_->PieceToId({piece.data(), piece.size()});
  const auto& found = processor_->IdToPiece(id);
  return found == piece ? id : -1;
}

const std::string& SentencePieceModel::piece(std::int32_t id) const { return processor_->IdToPiece(id); }

std::size_t SentencePieceModel::size() const { return static_cast<std::size_t>(processor_->GetPieceSize()); }

}  // namespace beeld
