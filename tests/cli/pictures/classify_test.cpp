#include <beeld/zero_shot.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>
#include <thread>

#include "multimodal/data/class_names.h"
#include "tests/cli/command.h"
#include "tests/support/pictures.h"
#include "tests/support/shared.h"

namespace beeld::testing {

class ClassifyTest : public CommandTest {
 protected:
  std::filesystem::path picture_ = add_picture("a.png", 1);
};

TEST_F(ClassifyTest, ScoresAreTheLibrarys) {
  const auto line = run({"classify", picture_.string(), "--labels", "cat, dog,snow", "--template",
                         "a photo of a {}", "--template", "a red {}"})
                        .line();
  EXPECT_EQ(line["path"], picture_.string());
  const auto model = Model::load(model_);
  const ZeroShot zero_shot(model, {"cat", "dog", "snow"}, {"a photo of a {}", "a red {}"});
  const std::vector<Image> image = {wave_picture(48, 40, 1)};
  Matrix row = model.encode_images(image);
  normalize_rows(row);
  const auto ranking = zero_shot.rank(zero_shot.logits(row)[0]);
  ASSERT_EQ(line["labels"].size(), 3u);
  double sum = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(line["labels"][i]["label"], ranking[i].label);
    EXPECT_NEAR(line["labels"][i]["score"].get<double>(), ranking[i].score, 1e-5);
    EXPECT_NEAR(line["labels"][i]["logit"].get<double>(), ranking[i].logit, 1e-4);
    sum += line["labels"][i]["score"].get<double>();
  }
  EXPECT_NEAR(sum, 1, 1e-5);
}

TEST_F(ClassifyTest, LabelsAndTemplatesMayComeFromFiles) {
  const auto labels = add_file("labels.txt", "cat\r\ndog, or wolf\n\nsnow\n");
  const auto templates = add_file("templates.txt", "a photo of a {}\na red {}\n");
  const auto line = run({"classify", picture_.string(), "--labels-file", labels.string(), "--templates",
                         templates.string(), "--top", "2"})
                        .line();
  EXPECT_EQ(line["labels"].size(), 2u);
  const auto all = run({"classify", picture_.string(), "--labels-file", labels.string()}).line();
  std::vector<std::string> names;
  for (const auto& entry : all["labels"]) names.push_back(entry["label"]);
  std::sort(names.begin(), names.end());
  EXPECT_EQ(names, (std::vector<std::string>{"cat", "dog, or wolf", "snow"}));
}

TEST_F(ClassifyTest, PicturesKeepTheirOrderAndAFolderIsItsPictures) {
  const auto b = add_picture("b.png", 2);
  const auto bad = add_file("bad.jpg", "no picture");
  const auto finished = run(
      {"classify", b.string(), bad.string(), picture_.string(), pictures_.string(), "--labels", "cat,dog"});
  EXPECT_EQ(finished.code, 1);
  EXPECT_TRUE(finished.names("bad.jpg"));
  EXPECT_EQ(names_of(finished.lines()), (std::vector<std::string>{"b.png", "a.png", "a.png", "b.png"}));
}

TEST_F(ClassifyTest, NothingReadableIsNothingDone) {
  const auto finished = run({"classify", (folder_ / "absent.png").string(), "--labels", "cat,dog"});
  EXPECT_EQ(finished.code, 2);
  EXPECT_EQ(finished.out, "");
  EXPECT_TRUE(finished.names("absent.png"));
}

TEST_F(ClassifyTest, WithoutLabelsOrClassesTheMessageSaysSo) {
  const auto finished = run({"classify", picture_.string()});
  EXPECT_EQ(finished.code, 2);
  EXPECT_TRUE(finished.names("--labels"));
  EXPECT_EQ(run({"classify", picture_.string(), "--labels", ", ,"}).code, 2);
}

TEST_F(ClassifyTest, ForPeopleEachPictureHasItsLabelsBelow) {
  const auto finished =
      run_plain({"classify", picture_.string(), "--labels", "cat,dog", "--model", model_.string()});
  EXPECT_EQ(finished.code, 0);
  EXPECT_EQ(finished.out.find(picture_.string() + "\n"), 0u);
  EXPECT_NE(finished.out.find(" %  cat\n"), std::string::npos);
}

TEST_F(ClassifyTest, AClassifierNamesItsOwnClasses) {
  BEELD_NEED_SHARED("models/vit-tiny-p16-224/model.safetensors");
  BEELD_NEED_SHARED("photos/imagenet10");
  std::filesystem::path photo;
  for (const auto& entry : std::filesystem::directory_iterator(shared_folder() / "photos/imagenet10"))
    if (entry.path().extension() == ".jpg" || entry.path().extension() == ".JPEG") photo = entry.path();
  ASSERT_FALSE(photo.empty());
  const auto finished = run_plain({"classify", photo.string(), "--json", "--model",
                                   (shared_folder() / "models/vit-tiny-p16-224").string()});
  EXPECT_EQ(finished.code, 0) << finished.err;
  const auto labels = finished.line()["labels"];
  ASSERT_EQ(labels.size(), 5u);
  EXPECT_GT(labels[0]["score"], labels[1]["score"]);
  EXPECT_NE(labels[0]["label"], "");
}

TEST_F(ClassifyTest, ClassesWithoutNamesAreNumbers) {
  BEELD_NEED_SHARED("models/vit-tiny-p16-224/model.safetensors");
  const auto original = shared_folder() / "models/vit-tiny-p16-224", copy = folder_ / "nameless";
  std::filesystem::create_directories(copy);
  for (const char* file : {"config.json", "model.safetensors"})
    std::filesystem::create_symlink(original / file, copy / file);
  const auto classify = [&](const std::filesystem::path& model) {
    const auto finished = run_plain({"classify", picture_.string(), "--json", "--model", model.string()});
    EXPECT_EQ(finished.code, 0) << finished.err;
    return finished.line()["labels"];
  };
  const auto named = classify(original), numbered = classify(copy);
  ASSERT_EQ(numbered.size(), 5u);
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(numbered[i]["logit"], named[i]["logit"]);
    const auto number = std::stoul(numbered[i]["label"].get<std::string>());
    EXPECT_EQ(read_class_names(original / "classes.tsv").at(number), named[i]["label"]);
  }
}

TEST_F(ClassifyTest, AListOfLabelsIsATextHoweverItComes) {
  const auto picture = picture_.string();
  const auto labels_by = [&](const std::string& file) {
    const auto line = run({"classify", picture, "--labels-file", file}).line();
    std::vector<std::string> labels;
    for (const auto& label : line["labels"]) labels.push_back(label["label"]);
    std::sort(labels.begin(), labels.end());
    return labels;
  };
  const std::vector<std::string> expected = {"bird", "boat", "dog"};
  EXPECT_EQ(labels_by(add_file("marked.txt",
                               "\xEF\xBB\xBF"
                               "boat\r\ndog\r\nbird\r\n")
                          .string()),
            expected);
  const auto wide = run({"classify", picture, "--labels-file",
                         add_file("wide.txt",
                                  "\xff\xfe"
                                  "b")
                             .string()});
  EXPECT_EQ(wide.code, 2);
  EXPECT_TRUE(wide.names("UTF-16")) << wide.err;

  // A pipe is read as it comes, and given up where nobody ever writes to it.
  const auto pipe = (folder_ / "pipe").string();
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  std::thread writer([&] { std::ofstream(pipe) << "boat\ndog\n" << std::flush << "bird\n"; });
  EXPECT_EQ(labels_by(pipe), expected);
  writer.join();
  const auto silent = run({"classify", picture, "--labels-file", pipe});
  EXPECT_EQ(silent.code, 2);
  EXPECT_TRUE(silent.names("nobody writes to it")) << silent.err;
}

}  // namespace beeld::testing
