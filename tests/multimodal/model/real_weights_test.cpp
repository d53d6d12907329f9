// Real checkpoints against the numbers that their reference implementations gave.

#include <beeld/model.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>

#include <nlohmann/json.hpp>
#include "core/base/files.h"
#include "core/format/settings.h"
#include "core/format/weights.h"
#include "core/kernels/packed_matrix.h"
#include "tests/support/npy.h"
#include "tests/support/random.h"
#include "tests/support/shared.h"
#include "tests/support/widened.h"
#include "vision/model/families.h"

namespace beeld {
namespace {

std::vector<Image> ten_photos() {
  const auto folder = testing::shared_folder() / "photos/imagenet10";
  std::ifstream order(folder / "order.txt");
  std::vector<Image> photos;
  for (std::string line; std::getline(order, line);) {
    photos.push_back(
        load_image(folder / line.substr(0, line.find('\t')), {.orientation = Orientation::ignore}));
  }
  return photos;
}

double largest_difference(const Matrix& values, const testing::Array& expected) {
  EXPECT_EQ(values.values.size(), expected.values.size());
  double largest = 0;
  for (std::size_t i = 0; i < std::min(values.values.size(), expected.values.size()); ++i) {
    largest = std::max(largest, std::abs(static_cast<double>(values.values[i]) - expected.values[i]));
  }
  return largest;
}

TEST(VitTiny, GivesTheReferenceLogitsFromPhotos) {
  BEELD_NEED_SHARED("models/vit-tiny-p16-224");
  BEELD_NEED_SHARED("photos/imagenet10");
  const auto model = Model::load(testing::shared_folder() / "models/vit-tiny-p16-224");
  const auto expected = testing::read_npy(testing::shared_folder() / "photos/imagenet10/vit_tiny_logits.npy");
  std::vector<Pixels> pixels;
  for (const auto& photo : ten_photos()) pixels.push_back(model.preprocess(photo));
  const double largest = largest_difference(model.classify_pixels(pixels), expected);
  std::printf("vit-tiny logits from the files: max difference %.1e\n", largest);
  EXPECT_LE(largest, 1e-4);
  EXPECT_EQ(model.info().classes.size(), 1000u);
  EXPECT_EQ(model.info().classes[0], "tench");
}

/// The reference's resized pictures [10,224,224,3], normalised.
std::vector<Pixels> reference_pixels() {
  const auto resized =
      testing::read_npy(testing::shared_folder() / "photos/imagenet10/vit_tiny_resized_u8.npy");
  constexpr std::size_t places = std::size_t{224} * 224;
  std::vector<Pixels> pixels;
  for (std::size_t i = 0; i < 10; ++i) {
    Pixels picture{224, 224, std::vector<float>(3 * places)};
    for (std::size_t place = 0; place < places; ++place) {
      for (std::size_t channel = 0; channel < 3; ++channel) {
        const auto sample = static_cast<float>(resized.values[(i * places + place) * 3 + channel]);
        picture.values[channel * places + place] = (sample / 255 - 0.5F) / 0.5F;
      }
    }
    pixels.push_back(picture);
  }
  return pixels;
}

// The same forward in double shows whose rounding a difference is. The reference's own float32 logits
// lie 1.99e-5 from exact arithmetic, so float32 logits that are as good as the reference's differ from them
// by up to twice that.
TEST(VitTiny, DiffersFromTheReferenceByRoundingAlone) {
  BEELD_NEED_SHARED("models/vit-tiny-p16-224");
  BEELD_NEED_SHARED("photos/imagenet10");
  const auto folder = testing::shared_folder() / "models/vit-tiny-p16-224";
  const char* const files[] = {"model.safetensors"};
  const auto checkpoint = Checkpoint::open(folder, files);
  WeightReader reader(checkpoint, folder.string());
  auto model = read_timm(reader, Settings::from_file((folder / "config.json").string()));
  const auto pixels = reference_pixels();
  Pass<double> exact_pass;
  const auto exact = linear(encode<double>(testing::widened(model.tower), pixels, exact_pass),
                            testing::widened(model.head), exact_pass);
  pack(model.tower);
  Pass<float> pass;
  const auto logits = linear(encode<float>(model.tower, pixels, pass), model.head, pass);

  const auto expected = testing::read_npy(testing::shared_folder() / "photos/imagenet10/vit_tiny_logits.npy");
  double reference_error = 0, own_error = 0, apart = 0;
  for (std::int64_t i = 0; i < exact.size(); ++i) {
    const double truth = exact.data()[i], reference = expected.values[static_cast<std::size_t>(i)];
    const auto own = static_cast<double>(logits.data()[i]);
    reference_error = std::max(reference_error, std::abs(reference - truth));
    own_error = std::max(own_error, std::abs(own - truth));
    apart = std::max(apart, std::abs(own - reference));
  }
  std::printf(
      "vit-tiny logits from the resized pixels: reference to exact %.2e, beeld to exact %.2e, apart %.2e\n",
      reference_error, own_error, apart);
  EXPECT_LE(reference_error, 2e-5);
  EXPECT_LE(own_error, 3e-5);
  EXPECT_LE(apart, 4e-5);
}

TEST(LitTiny, GivesTheReferenceEmbeddings) {
  BEELD_NEED_SHARED("models/lit-tiny");
  BEELD_NEED_SHARED("photos/imagenet10");
  const auto folder = testing::shared_folder() / "models/lit-tiny";
  const auto model = Model::load(folder);
  auto images = model.encode_images(ten_photos());
  auto texts = model.encode_texts(read_json(folder / "expected/texts.json").get<std::vector<std::string>>());
  normalize_rows(images);
  normalize_rows(texts);
  const double image =
      largest_difference(images, testing::read_npy(folder / "expected/imagenet10_image_embeds.npy"));
  const double text = largest_difference(texts, testing::read_npy(folder / "expected/text_embeds.npy"));
  std::printf("lit-tiny embeddings: max difference %.1e (images), %.1e (texts)\n", image, text);
  EXPECT_LE(image, 2e-6);
  EXPECT_LE(text, 2e-6);
}

/// The smallest cosine between rows of two matrices.
double smallest_cosine(Matrix a, Matrix b) {
  normalize_rows(a);
  normalize_rows(b);
  double smallest = 1;
  for (std::size_t i = 0; i < a.rows; ++i) {
    double sum = 0;
    for (std::size_t j = 0; j < a.columns; ++j) sum += static_cast<double>(a[i][j]) * b[i][j];
    smallest = std::min(smallest, sum);
  }
  return smallest;
}

// bfloat16 keeps 8 bits of a weight. Products of the rounded weights are float32, so what is lost here is
// lost by the rounding.
TEST(HeldWeights, KeepTheEmbeddingsOfPhotos) {
  BEELD_NEED_SHARED("models/lit-tiny");
  BEELD_NEED_SHARED("models/vit-tiny-p16-224");
  BEELD_NEED_SHARED("photos/imagenet10");
  struct Floor {
    WeightType type;
    double cosine;
  };
  const auto photos = ten_photos();
  for (const auto* name : {"lit-tiny", "vit-tiny-p16-224"}) {
    const auto folder = testing::shared_folder() / "models" / name;
    const auto model = Model::load(folder);
    const auto exact = model.encode_images(photos);
    for (const auto [type, cosine] :
         {Floor{WeightType::f16, 0.999999}, {WeightType::bf16, 0.99996}, {WeightType::int8, 0.999}}) {
      const auto held = Model::load(folder, {.weights = type});
      EXPECT_NE(held.info().fingerprint, model.info().fingerprint);
      const double smallest = smallest_cosine(held.encode_images(photos), exact);
      std::printf("%s, weights %s: smallest cosine to float32 %.7f\n", name,
                  std::string(name_of(type)).c_str(), smallest);
      EXPECT_GE(smallest, cosine) << name;
    }
  }
}

}  // namespace
}  // namespace beeld
