#include "multimodal/evaluation/verify.h"

#include <beeld/error.h>
#include <gtest/gtest.h>

#include <limits>

#include "tests/support/pictures.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_model.h"

namespace beeld {
namespace {

TEST(Verification, PassesOnlyWithinTheTolerance) {
  Verification verification{.values = {{"a", 1.0F, 1.0009F}, {"b", -2.0F, -2.0F}}, .tolerance = 1e-3F};
  EXPECT_TRUE(verification.passed());
  verification.values[1].got = -2.002F;
  EXPECT_FALSE(verification.passed());
  verification.values[1].got = std::numeric_limits<float>::quiet_NaN();
  EXPECT_FALSE(verification.passed());
  EXPECT_FALSE(Verification{}.passed()) << "nothing compared is no proof";
}

class VerifyModel : public ::testing::Test {
 protected:
  Model model(const std::string& name) {
    testing::write_tiny_model(folder_ / name);
    testing::write_picture(folder_ / "photo.png", testing::wave_picture(50, 40, 1));
    return Model::load(folder_ / name);
  }

  testing::TemporaryFolder folder_;
};

TEST_F(VerifyModel, AnImpostorFailsByValue) {
  const auto verification = verify_model(model("clip-vit-base-patch32"), folder_ / "photo.png");
  ASSERT_EQ(verification.values.size(), 5U);
  EXPECT_EQ(verification.values[0].what, "logit of \"a photo of a cat\"");
  EXPECT_FLOAT_EQ(verification.values[0].expected, 24.5701F);
  EXPECT_FALSE(verification.passed());
  float scores = 0;
  for (std::size_t i = 2; i < 5; ++i) scores += verification.values[i].got;
  EXPECT_NEAR(scores, 1, 1e-5) << "scores of one pipeline sum to one";
}

TEST_F(VerifyModel, SaysWhichModelsHavePublishedOutputs) {
  try {
    verify_model(model("mine"), folder_ / "photo.png");
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::not_found);
    EXPECT_NE(
        std::string(error.what()).find("known for mine; there are some for clip-vit-base-patch32, siglip"),
        std::string::npos)
        << error.what();
  }
}

}  // namespace
}  // namespace beeld
