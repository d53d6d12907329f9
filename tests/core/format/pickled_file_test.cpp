#include "core/format/pickled_file.h"

#include <beeld/error.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <numeric>

#include "core/base/files.h"
#include "tests/support/shared.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/torch_files.h"

namespace beeld {
namespace {

using namespace testing::pickled;
using testing::TorchForm;

/// 0, 1, 2, ... as float32.
std::string counted(int elements) {
  std::vector<float> values(static_cast<std::size_t>(elements));
  std::iota(values.begin(), values.end(), 0.0F);
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

std::vector<float> values_of(const TensorEntry& entry) {
  std::vector<float> values(entry.bytes.size() / sizeof(float));
  std::copy_n(entry.bytes.data(), values.size() * sizeof(float), reinterpret_cast<std::byte*>(values.data()));
  return values;
}

class PickledFileTest : public ::testing::Test {
 protected:
  PickledFile read(const std::string& bytes) {
    write_file_atomically(path_, bytes);
    return PickledFile(path_);
  }

  /// A state dict of tensors in storages of twelve counted float32 each.
  PickledFile read_dict(const std::string& dict, const std::vector<std::string>& keys = {"0"}) {
    std::vector<testing::ZipFile> storages;
    for (const auto& key : keys) storages.push_back({key, counted(12)});
    return read(testing::torch_archive(whole(dict), storages));
  }

  void expect_refused(const std::string& bytes, ErrorCode code, const std::string& fact) {
    try {
      read(bytes);
      ADD_FAILURE() << "accepted, expected: " << fact;
    } catch (const Error& error) {
      const std::string message = error.what();
      EXPECT_EQ(error.code(), code) << message;
      EXPECT_NE(message.find(fact), std::string::npos) << message << "\nexpected: " << fact;
      EXPECT_NE(message.find("model.bin"), std::string::npos) << message;
    }
  }

  void expect_dict_refused(const std::string& dict, ErrorCode code, const std::string& fact) {
    expect_refused(testing::torch_archive(whole(dict), {{"0", counted(12)}}), code, fact);
  }

  testing::TemporaryFolder folder_;
  std::filesystem::path path_ = folder_ / "model.bin";
};

const std::string twelve = storage("FloatStorage", "0", 12);
const std::string good = tensor(twelve, {0, {3, 4}, {4, 1}});

TEST_F(PickledFileTest, ReadsEveryFormAndType) {
  const testing::StoredTensors tensors{{"a.weight", testing::random_stored({3, 2}, 1)},
                                       {"a.bias", testing::random_stored({3}, 2)},
                                       {"b.0.empty", testing::random_stored({0, 4}, 3)},
                                       {"scale", testing::random_stored({}, 4)}};
  for (const auto form :
       {TorchForm::archive, TorchForm::archive_zip64, TorchForm::stream, TorchForm::script}) {
    for (const auto type : {DType::f32, DType::f16, DType::bf16}) {
      const auto file = read(testing::torch_bytes(tensors, type, form));
      ASSERT_EQ(file.tensors().size(), tensors.size());
      for (const auto& [name, tensor] : tensors) {
        const auto& entry = file.tensors().at(name);
        EXPECT_EQ(entry.dtype, type);
        EXPECT_EQ(entry.shape, tensor.shape);
        EXPECT_TRUE(std::ranges::equal(entry.bytes, testing::stored_bytes(tensor, type))) << name;
        EXPECT_EQ(entry.owner, file.mapping()) << name << " is copied";
      }
    }
  }
}

TEST_F(PickledFileTest, ResolvesViews) {
  const auto file =
      read_dict(ordered_dict({{"whole", good},
                              {"transposed", tensor(twelve, {0, {4, 3}, {1, 4}})},
                              {"row", tensor(twelve, {4, {1, 4}, {99, 1}})},
                              {"column", tensor(twelve, {1, {3}, {4}})},
                              {"same column", tensor(twelve, {1, {3}, {4}})},
                              {"every second", tensor(twelve, {1, {2, 2}, {8, 2}})},
                              {"expanded", tensor(twelve, {5, {2, 3}, {0, 0}})},
                              {"channels last", tensor(twelve, {0, {1, 2, 2, 3}, {12, 1, 6, 2}})},
                              {"nothing", tensor(twelve, {12, {0, 5}, {5, 1}})},
                              {"parameter", parameter(tensor(twelve, {11, {}, {}}))}}));
  const auto values = [&](const char* name) { return values_of(file.tensors().at(name)); };
  using Values = std::vector<float>;
  EXPECT_EQ(values("whole"), (Values{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}));
  EXPECT_EQ(values("transposed"), (Values{0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11}));
  EXPECT_EQ(values("row"), (Values{4, 5, 6, 7}));
  EXPECT_EQ(values("column"), (Values{1, 5, 9}));
  EXPECT_EQ(values("every second"), (Values{1, 3, 9, 11}));
  EXPECT_EQ(values("expanded"), Values(6, 5));
  EXPECT_EQ(values("channels last"), (Values{0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11}));
  EXPECT_EQ(values("nothing"), Values{});
  EXPECT_EQ(values("parameter"), Values{11});
  for (const auto* name : {"whole", "row", "nothing", "parameter"})
    EXPECT_EQ(file.tensors().at(name).owner, file.mapping()) << name << " is copied";
  EXPECT_EQ(file.tensors().at("column").bytes.data(), file.tensors().at("same column").bytes.data());
}

TEST_F(PickledFileTest, FindsTheWeightsOfATrainingCheckpoint) {
  const auto weights = ordered_dict({{"module.a", good}, {"module.b", good}});
  const auto optimizer =
      dict({{"state", "}" + integer(0) +
                          dict({{"step", "G\x3f\xf0" + std::string(6, '\0')}, {"exp_avg", good}}) + 's'}});
  for (const auto* key : {"state_dict", "model_state_dict", "model"}) {
    const auto file = read_dict(dict({{"epoch", integer(3)},
                                      {"name", text("tiny")},
                                      {"scale", good},
                                      {key, weights},
                                      {"optimizer", optimizer},
                                      {"none", "N"}}));
    EXPECT_EQ(file.tensors().size(), 2U) << key;
    EXPECT_TRUE(file.tensors().contains("a") && file.tensors().contains("b")) << key;
  }
  // Only where all names begin so.
  const auto file = read_dict(dict({{"module.a", good}, {"b", good}, {"version", integer(1)}}));
  EXPECT_TRUE(file.tensors().contains("module.a") && file.tensors().contains("b"));
  EXPECT_EQ(file.tensors().size(), 2U);
}

TEST_F(PickledFileTest, IgnoresWhatAnOrderedDictHasBesides) {
  const auto metadata = dict({{"_metadata", ordered_dict({{"", dict({{"version", integer(1)}})}})}});
  EXPECT_EQ(read_dict(ordered_dict({{"a", good}}) + metadata + 'b').tensors().size(), 1U);
}

TEST_F(PickledFileTest, ReadsMemoAndEveryNumber) {
  // 12 elements as a LONG1 of one byte, of nine zeros after it, and by the memo.
  const auto id =
      tuple({text("storage"), global("torch", "FloatStorage"), text("0"), text("cpu"), "\x8a\x01\x0c"}) + 'Q';
  const auto file = read_dict("}q" + std::string(1, '\0') + '(' + text("a") + tensor(id, {0, {12}, {1}}) +
                              "q\x01" + text("b") + "h\x01" + text("c") + std::string("j\x01\0\0\0", 5) +
                              "ur" + std::string("\x02\0\0\0", 4));
  EXPECT_EQ(file.tensors().size(), 3U);
}

TEST_F(PickledFileTest, ReadsLaterProtocols) {
  const auto short_text = [](const std::string& value) {
    return "\x8c" + std::string(1, static_cast<char>(value.size())) + value;
  };
  const auto rebuild = short_text("torch._utils") + "\x94" + short_text("_rebuild_tensor") + "\x93\x94";
  const auto arguments = tuple({twelve, integer(0), tuple({integer(12)}), tuple({integer(1)})});
  const auto value = '}' + short_text("a") + rebuild + arguments + "R\x94s" + short_text("b") + "h\x02s";
  const auto pickle =
      "\x80\x04\x95" + std::string{static_cast<char>(value.size() + 1), 0, 0, 0, 0, 0, 0, 0} + value + '.';
  const auto file = read(testing::torch_archive(pickle, {{"0", counted(12)}}));
  EXPECT_EQ(file.tensors().size(), 2U);
}

TEST_F(PickledFileTest, ReadsPartsOfAStreamsStorages) {
  const auto part = tuple({text("root"), integer(4), integer(5)});
  const auto whole_storage = stream_storage("FloatStorage", "7", 12);
  const auto bytes = [&](const std::string& tensors, std::int64_t count = 12) {
    return testing::torch_stream(whole(tensors), {{"7", count, counted(12)}});
  };
  const auto view = stream_storage("FloatStorage", "7", 12, part);
  const auto file = read(
      bytes(dict({{"a", tensor(view, {1, {2, 2}, {2, 1}})}, {"b", tensor(whole_storage, {0, {1}, {1}})}})));
  EXPECT_EQ(values_of(file.tensors().at("a")), (std::vector<float>{5, 6, 7, 8}));
  expect_refused(bytes(dict({{"a", tensor(view, {1, {5}, {1}})}})), ErrorCode::corrupt,
                 "outside of its storage 7");
  const auto outside = stream_storage("FloatStorage", "7", 12, tuple({text("root"), integer(8), integer(5)}));
  expect_refused(bytes(dict({{"a", tensor(outside, {0, {1}, {1}})}})), ErrorCode::corrupt, "lies outside");
  expect_refused(bytes(dict({{"b", tensor(whole_storage, {0, {1}, {1}})}}), 11), ErrorCode::corrupt,
                 "the count 11");
  const auto good_bytes = bytes(dict({{"b", tensor(whole_storage, {0, {1}, {1}})}}));
  expect_refused(good_bytes.substr(0, good_bytes.size() - 1), ErrorCode::corrupt, "longer than its 47 bytes");
  expect_refused(good_bytes + "x", ErrorCode::corrupt, "goes on");
  const auto of = [&](const std::vector<testing::StreamStorage>& storages) {
    return testing::torch_stream(whole(dict({{"b", tensor(whole_storage, {0, {1}, {1}})}})), storages);
  };
  expect_refused(of({}), ErrorCode::corrupt, "storage 7 is not there");
  expect_refused(of({{"7", 12, counted(12)}, {"7", 12, counted(12)}}), ErrorCode::corrupt, "occurs twice");
  expect_refused(of({{"8", 12, counted(12)}}), ErrorCode::corrupt, "no tensor uses");
  auto big_endian = good_bytes;
  big_endian.replace(big_endian.find("little_endian") + 13, 1, "\x89");
  expect_refused(big_endian, ErrorCode::unsupported, "little-endian");
}

TEST_F(PickledFileTest, RefusesByNameWhatCouldRun) {
  const auto beside = [&](const std::string& value, const std::string& fact) {
    expect_dict_refused(dict({{"a", good}, {"evil", value}}), ErrorCode::unsupported, fact);
  };
  beside(call(global("posix", "system"), tuple({text("true")})), "the global posix.system");
  beside(call(global("builtins", "eval"), tuple({text("1+1")})), "the global builtins.eval");
  beside(global("numpy.core.multiarray", "_reconstruct"), "the global numpy.core.multiarray._reconstruct");
  beside(global("torch._utils", "_rebuild_sparse_tensor"), "the global torch._utils._rebuild_sparse_tensor");
  beside(global("torch", "QInt8Storage"), "the global torch.QInt8Storage");
  beside(global("torch.storage", "_load_from_bytes"), "torch.storage._load_from_bytes");
  beside(global("collections", "OrderedDict "), "the global collections.OrderedDict?");
  beside(global("posix", "system") + tuple({text("true")}) + '\x81', "posix.system");
  beside("(iposix\nsystem\n", "the opcode INST");
  beside('(' + text("x") + "o", "the opcode OBJ");
  beside("\x82\x01", "the opcode EXT1");
  beside("Pstorage\n", "the opcode PERSID");
  beside(text("posix") + text("system") + "\x93", "the global posix.system");
  beside("N0", "the opcode POP");
  beside("N2", "the opcode DUP");
  beside("\x8b\xff\xff\xff\xff", "the opcode LONG4");
  beside("\x8d" + std::string(8, '\x7f'), "the opcode BINUNICODE8");
  beside("\xff", "the opcode 0xff");
  beside(call(global("torch", "FloatStorage"), ")"), "a call of what is only a name");
  beside(call(global("__torch__.net", "Module"), ")"), "a call of what is only a name");
  beside(global("collections", "OrderedDict") + ")\x81", "NEWOBJ of what is not");
  beside(good + "}b", "a BUILD other than");
  beside(call(global("collections", "OrderedDict"), tuple({list({})})), "not made empty");
  expect_refused(testing::torch_archive("\x80\x63}.", {}), ErrorCode::unsupported, "protocol 99");
  expect_refused(testing::torch_stream(whole(call(global("posix", "system"), ")")), {}),
                 ErrorCode::unsupported, "posix.system");
}

TEST_F(PickledFileTest, RefusesMalformedPickles) {
  const auto refused = [&](const std::string& value, const std::string& fact) {
    expect_dict_refused(value, ErrorCode::corrupt, fact);
  };
  refused("R", "REDUCE takes 1 values, the stack has 0");
  refused("](R", "REDUCE takes 1");
  refused("]e", "APPENDS without a MARK");
  refused("}" + text("k") + "(Nu", "no dict");
  refused("}(" + text("k") + "u", "key without a value");
  refused("}]Ns", "neither a text nor an integer");
  refused("}" + good + "Ns", "neither a text nor an integer");
  refused("h\x05", "the memo has no entry 5");
  refused("Nr" + std::string("\xf0\xff\xff\xff", 4), "the memo's entry 4294967280 comes after 0 others");
  refused("](q" + std::string(1, '\0') + "e", "BINPUT takes 1");
  refused("]q" + std::string(1, '\0') + 'h' + std::string(1, '\0') + "a", "holds itself");
  refused("X\xff\xff\xff\x7f", "bytes are expected");
  refused(text("\xc0\x80"), "not UTF-8");
  refused(text("\xed\xa0\x80"), "not UTF-8");
  refused("\x8a\x09" + std::string(9, '\x01'), "an integer of 9 bytes");
  refused("NN", "STOP with 2 values");
  refused("\x80\x02", "PROTO in the middle");
  refused("\x95" + std::string(8, '\x7f'), "a FRAME that is longer");
  refused(text("x") + "N\x93", "STACK_GLOBAL of what is no name");
  refused("(}", "1 marks");
  refused("", "STOP with 0 values");
  const auto archive = [&](const std::string& pickle) { return testing::torch_archive(pickle, {}); };
  expect_refused(archive("\x80\x02}"), ErrorCode::corrupt, "ends within or before");
  expect_refused(archive(""), ErrorCode::corrupt, "ends within or before");
  expect_refused(archive("}."), ErrorCode::corrupt, "no tensors by name");
  expect_refused(archive(whole(dict({{"a", good}})) + "x"), ErrorCode::corrupt, "");
  expect_refused(archive("\x80\x02" + std::string("ccollections")), ErrorCode::corrupt,
                 "within the name of a global");
}

TEST_F(PickledFileTest, RefusesStoragesAndViewsThatDoNotFit) {
  const auto refused = [&](const std::string& value, const std::string& fact) {
    expect_dict_refused(dict({{"a", value}}), ErrorCode::corrupt, fact);
  };
  const auto view = [&](std::int64_t offset, std::vector<std::int64_t> shape,
                        std::vector<std::int64_t> strides) {
    return tensor(twelve, {offset, std::move(shape), std::move(strides)});
  };
  const std::int64_t huge = std::int64_t{1} << 60;
  const std::string outside = "outside of its storage 0, which has 12 elements", number = "no number from 0";
  refused(view(1, {3, 4}, {4, 1}), outside);
  refused(view(huge, {1}, {1}), outside);
  refused(view(12, {}, {}), outside);
  refused(view(13, {0}, {1}), outside);
  refused(view(0, {3, 4}, {5, 1}), outside);
  refused(view(0, {huge}, {1}), outside);
  refused(view(0, {std::int64_t{1} << 32, std::int64_t{1} << 32}, {0, 0}), outside);
  refused(view(0, {0, huge}, {1, 1}), outside);
  refused(view(0, {huge, huge}, {huge, huge}), outside);
  refused(view(0, {2}, {huge}), outside);
  refused(view(-1, {1}, {1}), outside);
  refused(view(0, {-3, -4}, {4, 1}), number);
  refused(view(11, {3, 4}, {-4, -1}), number);
  refused(view(0, {3, 4}, {1}), "2 sizes and 1 strides");
  refused(view(0, std::vector<std::int64_t>(17, 1), std::vector<std::int64_t>(17, 1)), "17 dimensions");
  refused(view(0, {1000, 1000}, {0, 0}), "more often than the file is long");
  refused(tensor(storage("FloatStorage", "0", 13), {0, {1}, {1}}),
          "of 13 elements of F32 is longer than its 48 bytes");
  refused(tensor(storage("FloatStorage", "0", 11), {0, {1}, {1}}), "shorter than its record");
  refused(tensor(storage("HalfStorage", "0", 12), {0, {1}, {1}}), "shorter than its record");
  refused(tensor(storage("DoubleStorage", "0", 12), {0, {1}, {1}}), "longer than its 48 bytes");
  refused(tensor(storage("FloatStorage", "0", std::int64_t{1} << 62), {0, {1}, {1}}),
          "longer than its 48 bytes");
  refused(tensor(storage("FloatStorage", "0", -1), {0, {0}, {1}}), "not a storage's");
  refused(tensor(storage("FloatStorage", "1", 12), {0, {1}, {1}}), "no record data/1");
  refused(tensor(storage("FloatStorage", "../data/0", 12), {0, {1}, {1}}), "no plain name");
  refused(call(global("torch._utils", "_rebuild_tensor_v2"), tuple({integer(1), integer(2)})),
          "other arguments");
  refused(call(global("torch._utils", "_rebuild_parameter"), tuple({"}", "\x88", "}"})), "no tensor");
  refused(text("storage") + "Q", "not a storage's");
  refused(tuple({text("storage"), text("0")}) + 'Q', "not a storage's");
  refused(tuple({text("module"), global("torch", "FloatStorage"), text("0"), text("cpu"), integer(12)}) + 'Q',
          "not a storage's");
  refused(
      tuple({text("storage"), global("torch", "FloatStorage"), integer(0), text("cpu"), integer(12)}) + 'Q',
      "not a storage's");
  expect_dict_refused(dict({{"a", good}, {"b", tensor(storage("LongStorage", "0", 6), {0, {1}, {1}})}}),
                      ErrorCode::corrupt, "storage 0 is described in two ways");
}

TEST_F(PickledFileTest, RefusesNamesThatAreNotOne) {
  const auto refused = [&](const std::string& value, ErrorCode code, const std::string& fact) {
    expect_dict_refused(value, code, fact);
  };
  refused(dict({{"a", good}, {"a", good}}), ErrorCode::corrupt, "the name a occurs twice");
  refused("}" + integer(1) + good + "s", ErrorCode::corrupt, "under a number");
  refused("}", ErrorCode::corrupt, "no tensors by name");
  refused(list({good}), ErrorCode::unsupported, "expected a dict of tensors");
  refused(dict({{"state_dict", dict({{"a", good}})}, {"state_dict", dict({{"a", good}})}}),
          ErrorCode::corrupt, "the key state_dict occurs twice");
  // A dict whose state_dict is itself, and a module that is its own member.
  refused("}q" + std::string(1, '\0') + '(' + text("state_dict") + 'h' + std::string(1, '\0') + 'u',
          ErrorCode::corrupt, "holds itself");
  refused(global("__torch__.net", "A") + ")\x81q" + std::string(1, '\0') + "}q\x01(" + text("again") + 'h' +
              std::string(1, '\0') + "ub",
          ErrorCode::corrupt, "hold each other");
}

TEST_F(PickledFileTest, BoundsDepthAndNumber) {
  std::string deep = ")";
  for (int i = 0; i < 100'000; ++i) deep += "\x85";
  expect_dict_refused(dict({{"a", good}, {"deep", deep}}), ErrorCode::limit, "nested deeper than 100");
  expect_dict_refused(std::string(100'000, '('), ErrorCode::limit, "nested deeper than 100");
  std::string lists;
  for (int i = 0; i < 1000; ++i) lists += "](";
  expect_dict_refused(lists, ErrorCode::limit, "nested deeper than 100");
  expect_dict_refused(std::string(300'000, ']'), ErrorCode::limit, "containers");
  expect_dict_refused(std::string(300'000, 'N'), ErrorCode::limit, "on the stack");
  std::string appends = "]";
  for (int i = 0; i < 1'100'000; ++i) appends += "Na";
  expect_dict_refused(appends, ErrorCode::limit, "more than 2097152 opcodes");
  std::string puts = "N";
  for (int i = 0; i < 1'100'000; ++i) puts += std::string("q\0h\0", 4);
  expect_dict_refused(puts, ErrorCode::limit, "on the stack");
  // Modules that share modules: 2^40 paths to one tensor.
  auto shared = module_object("Module", {{"a", good}}) + "q" + std::string(1, '\0');
  for (char i = 0; i < 40; ++i) {
    const auto memo = std::string("h") + i;
    shared = module_object("Module", {{"x", shared}, {"y", memo}}) + 'q' + static_cast<char>(i + 1);
  }
  expect_dict_refused(shared, ErrorCode::corrupt, "too many or too long");
  // One long name before many short ones.
  std::vector<std::pair<std::string, std::string>> many;
  for (int i = 0; i < 1000; ++i)
    many.emplace_back(std::to_string(i), i == 0 ? good + 'q' + std::string(1, '\0') : std::string("h\0", 2));
  expect_dict_refused(module_object("Module", {{std::string(100'000, 'x'), module_object("Module", many)}}),
                      ErrorCode::corrupt, "too many or too long");
  // One tensor's arguments, again and again.
  auto tensors = '(' + global("torch._utils", "_rebuild_tensor") + 'q' + std::string(1, '\0') +
                 tuple({twelve, integer(0), ")", ")"}) + "q\x01R";
  for (int i = 0; i < 100'000; ++i) tensors += std::string("h\0h\1R", 5);
  expect_dict_refused(tensors, ErrorCode::limit, "more than 65536 tensors");
}

TEST_F(PickledFileTest, RefusesOtherFilesAndOtherArchives) {
  expect_refused("", ErrorCode::corrupt, "neither a zip archive nor a stream");
  expect_refused(whole("}"), ErrorCode::corrupt, "neither a zip archive nor a stream");
  expect_refused("PK\x03\x04", ErrorCode::corrupt, "no end record");
  const testing::ZipFile pickle{"archive/data.pkl", whole(dict({{"a", good}}))},
      data{"archive/data/0", counted(12)};
  const auto bytes = testing::zip_bytes({pickle, data});
  EXPECT_EQ(read(bytes).tensors().size(), 1U);
  for (std::size_t size = 0; size < bytes.size(); ++size)
    expect_refused(bytes.substr(0, size), ErrorCode::corrupt, "");
  expect_refused("x" + bytes, ErrorCode::corrupt, "");
  expect_refused(std::string(100, 'P') + bytes, ErrorCode::corrupt, "");
  expect_refused(bytes + "x", ErrorCode::corrupt, "no end record");
  expect_refused(testing::zip_bytes({data}), ErrorCode::corrupt, "no data.pkl");
  expect_refused(testing::zip_bytes({pickle, data, data}), ErrorCode::corrupt,
                 "the record archive/data/0 occurs twice");
  expect_refused(testing::zip_bytes({pickle, data, {"other/data.pkl", "x"}}), ErrorCode::corrupt,
                 "more than one data.pkl");
  expect_refused(testing::zip_bytes({pickle, data, {"archive/byteorder", "big"}}), ErrorCode::unsupported,
                 "byteorder");
  EXPECT_EQ(
      read(testing::zip_bytes({pickle, data, {"archive/byteorder", "little"}, {"archive/code/x.py", "y"}}))
          .tensors()
          .size(),
      1U);
  auto compressed = bytes;  // the methods of the first record, at the record and in the directory
  compressed[8] = compressed[bytes.find("PK\x01\x02") + 10] = 8;
  expect_refused(compressed, ErrorCode::unsupported, "the record data.pkl is compressed or encrypted");
}

TEST_F(PickledFileTest, RefusesArchivesThatReadersUnderstandDifferently) {
  const testing::ZipFile pickle{"archive/data.pkl", whole(dict({{"a", good}}))},
      data{"archive/data/0", counted(12)};
  for (const auto sizes : {testing::ZipSizes::plain, testing::ZipSizes::zip64}) {
    const auto bytes = testing::zip_bytes({pickle, data}, sizes);
    EXPECT_EQ(read(bytes).tensors().size(), 1U);
    const auto changed = [&](std::size_t at, char value) {
      auto other = bytes;
      other[at] = value;
      return other;
    };
    const auto directory = bytes.find("PK\x01\x02"), end = bytes.size() - 22;
    expect_refused(changed(26, 15), ErrorCode::corrupt, "not as it says");  // the name's length at the record
    expect_refused(changed(30, 'A'), ErrorCode::corrupt, "not as it says");  // the name
    expect_refused(changed(18, 1), ErrorCode::corrupt, "not as it says");    // the size
    expect_refused(changed(0, 'Q'), ErrorCode::corrupt, "neither a zip");    // the mark
    expect_refused(changed(directory + 1, 'Q'), ErrorCode::corrupt, "no entry");
    expect_refused(changed(end + 4, 1), ErrorCode::corrupt, "one disk");
    expect_refused(changed(end + 20, 1), ErrorCode::corrupt, "comment");
    expect_refused(changed(end + 10, 1), ErrorCode::corrupt, "");  // fewer entries
    expect_refused(changed(end + 16, 1), ErrorCode::corrupt, "");  // another place
    if (sizes == testing::ZipSizes::zip64) {
      expect_refused(changed(end - 20 + 8, 1), ErrorCode::corrupt, "locator");
      expect_refused(changed(end - 20 - 56 + 39, 1), ErrorCode::corrupt, "entries in");
      expect_refused(changed(end - 20 - 56 + 47, 1), ErrorCode::corrupt, "entries in");
    }
  }
  // The second entry's record is the first one's: one name would have to be the other's.
  auto bytes = testing::zip_bytes({{"archive/data.pkl", pickle.content}, {"archive/data/00", counted(12)}});
  const auto second = bytes.rfind("PK\x01\x02");
  for (std::size_t i = 0; i < 4; ++i) bytes[second + 42 + i] = '\0';
  expect_refused(bytes, ErrorCode::corrupt, "not as it says");
}

}  // namespace
}  // namespace beeld
