#include "runtime/safetensors_header.h"

#include <initializer_list>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace kiln {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

// {"a":{..}} with the three fields as given.
std::string OneTensor(const std::string& dtype, const std::string& shape,
                      const std::string& offsets) {
  return absl::StrCat(R"({"a":{"dtype":)", dtype, R"(,"shape":)", shape,
                      R"(,"data_offsets":)", offsets, "}}");
}

// The members of a header, in braces.
std::string Header(std::initializer_list<std::string> members) {
  return absl::StrCat("{", absl::StrJoin(members, ","), "}");
}

std::string F32(const std::string& name, const std::string& shape,
                const std::string& offsets) {
  return absl::StrCat("\"", name, R"(":{"dtype":"F32","shape":)", shape,
                      R"(,"data_offsets":)", offsets, "}");
}

TEST(SafetensorsHeaderTest, ParsesTensorsInTheOrderOfTheData) {
  const auto header = ParseSafetensorsHeader(
      Header({F32("a", "[2]", "[4,12]"), F32("z", "[]", "[0,4]"),
              F32("m", "[1,2,3]", "[12,36]"), R"("__metadata__":{"k":"v"})"}),
      36);
  ASSERT_TRUE(header.ok()) << header.status();
  ASSERT_EQ(header->tensors.size(), 3u);
  EXPECT_EQ(header->tensors[0].name, "z");
  EXPECT_THAT(header->tensors[0].shape, IsEmpty());
  EXPECT_EQ(header->tensors[1].name, "a");
  EXPECT_EQ(header->tensors[1].begin, 4u);
  EXPECT_EQ(header->tensors[1].end, 12u);
  EXPECT_THAT(header->tensors[2].shape, ElementsAre(1, 2, 3));
  EXPECT_THAT(header->metadata, ElementsAre(Pair("k", "v")));
}

TEST(SafetensorsHeaderTest, ParsesItsOwnText) {
  SafetensorsHeader header;
  header.tensors = {{"b\"\\\n.weight", {2, 1}, 0, 8}, {"a", {}, 8, 12}};
  header.metadata = {{"key", "value with \xc3\xa4 and \t"}};
  const std::string text = SafetensorsHeaderText(header);
  const auto parsed = ParseSafetensorsHeader(text, 12);
  ASSERT_TRUE(parsed.ok()) << parsed.status();
  EXPECT_EQ(SafetensorsHeaderText(*parsed), text);
  EXPECT_EQ(parsed->tensors[0].name, header.tensors[0].name);
  EXPECT_EQ(parsed->metadata, header.metadata);
}

// PyTorch's counter of batches lies between tensors, and is none.
TEST(SafetensorsHeaderTest, CountersOfBatchesAreLeftOut) {
  const auto counter = [](const std::string& name, const std::string& offsets) {
    return absl::StrCat("\"", name, R"(":{"dtype":"I64","shape":[],)",
                        R"("data_offsets":)", offsets, "}");
  };
  const auto header = ParseSafetensorsHeader(
      Header({F32("bn1.weight", "[2]", "[0,8]"),
              counter("bn1.num_batches_tracked", "[8,16]"),
              F32("fc1.bias", "[1]", "[16,20]")}),
      20);
  ASSERT_TRUE(header.ok()) << header.status();
  ASSERT_EQ(header->tensors.size(), 2u);
  EXPECT_EQ(header->tensors[0].name, "bn1.weight");
  EXPECT_EQ(header->tensors[1].name, "fc1.bias");
  EXPECT_TRUE(IsOneLineError(
      ParseSafetensorsHeader(
          Header({counter("bn1.num_batches_tracked", "[0,4]")}), 4),
      {"num_batches_tracked", "do not fit its shape"}));
  EXPECT_TRUE(IsOneLineError(
      ParseSafetensorsHeader(Header({counter("bn1.weight", "[0,8]")}), 8),
      {"bn1.weight", "\"I64\" is not F32"}));
}

TEST(SafetensorsHeaderTest, NoTensorsNeedNoData) {
  EXPECT_TRUE(ParseSafetensorsHeader("{}", 0).ok());
  EXPECT_TRUE(
      IsOneLineError(ParseSafetensorsHeader("{}", 4), {"4 trailing bytes"}));
}

TEST(SafetensorsHeaderTest, AnExtentOfZeroHasNoBytes) {
  EXPECT_TRUE(ParseSafetensorsHeader(
                  OneTensor("\"F32\"", "[0,9223372036854775807]", "[0,0]"), 0)
                  .ok());
}

struct BadHeader {
  const char* what;
  std::string text;
  std::string reason;
};

TEST(SafetensorsHeaderTest, RefusesBadHeaders) {
  const std::string deep(100000, '[');
  const BadHeader cases[] = {
      {"nothing", "", "no JSON object"},
      {"no JSON", "{\"a\":", "no JSON object"},
      {"not UTF-8", "{\"\xff\":1}", "no JSON object"},
      {"zero byte", std::string("{}\0", 3), "zero byte"},
      {"text after it", "{} {}", "no JSON object"},
      {"a list", "[]", "no JSON object"},
      {"no tensor object", R"({"a":7})", "not described"},
      {"missing field", R"({"a":{"dtype":"F32","shape":[2]}})",
       "not described"},
      {"another field", R"({"a":{"dtype":"F32","shape":[2],"offsets":[0,8]}})",
       "not described"},
      {"more fields",
       R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"x":1}})",
       "not described"},
      {"no text", OneTensor("32", "[2]", "[0,8]"), "dtype is no text"},
      {"other type", OneTensor("\"I64\"", "[1]", "[0,8]"),
       "\"I64\" is not F32"},
      {"shape object", OneTensor("\"F32\"", "{}", "[0,8]"), "shape"},
      {"shape of text", OneTensor("\"F32\"", "[\"2\"]", "[0,8]"), "shape"},
      {"negative", OneTensor("\"F32\"", "[-2]", "[0,8]"), "shape"},
      {"fraction", OneTensor("\"F32\"", "[2.0]", "[0,8]"), "shape"},
      {"beyond 63 bits", OneTensor("\"F32\"", "[9223372036854775808]", "[0,8]"),
       "shape"},
      {"beyond 64 bits",
       OneTensor("\"F32\"", "[99999999999999999999999]", "[0,8]"), "shape"},
      // (2^32)^2 * 4 bytes wrap around to 0; so do 2^62 * 4.
      {"overflow", OneTensor("\"F32\"", "[4294967296,4294967296]", "[0,0]"),
       "do not fit its shape"},
      {"overflow by 4", OneTensor("\"F32\"", "[4611686018427387904]", "[0,0]"),
       "do not fit its shape"},
      {"too small", OneTensor("\"F32\"", "[1]", "[0,8]"), "do not fit"},
      {"too large", OneTensor("\"F32\"", "[3]", "[0,8]"), "do not fit"},
      {"one offset", OneTensor("\"F32\"", "[2]", "[8]"), "two offsets"},
      {"three offsets", OneTensor("\"F32\"", "[2]", "[0,8,8]"), "two offsets"},
      {"negative offset", OneTensor("\"F32\"", "[2]", "[-8,0]"), "two offsets"},
      {"backwards", OneTensor("\"F32\"", "[2]", "[8,0]"), "leave the"},
      {"beyond the data", OneTensor("\"F32\"", "[3]", "[0,12]"), "leave the"},
      {"far beyond",
       OneTensor("\"F32\"", "[1]", "[9223372036854775803,9223372036854775807]"),
       "leave the"},
      {"hole at the start", OneTensor("\"F32\"", "[1]", "[4,8]"), "hole"},
      {"trailing", OneTensor("\"F32\"", "[1]", "[0,4]"), "4 trailing bytes"},
      {"overlap", Header({F32("a", "[1]", "[0,4]"), F32("b", "[2]", "[0,8]")}),
       "overlaps"},
      {"twice the same",
       Header({F32("a", "[1]", "[0,4]"), F32("a", "[1]", "[4,8]")}),
       "\"a\" twice"},
      {"a field twice",
       R"({"a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}})",
       "\"dtype\" twice"},
      {"metadata twice", R"({"__metadata__":{},"__metadata__":{}})", "twice"},
      {"metadata list", R"({"__metadata__":[]})", "__metadata__"},
      {"metadata number", R"({"__metadata__":{"k":1}})", "\"k\" is no text"},
      {"deep shape", OneTensor("\"F32\"", "[[2]]", "[0,8]"), "too deep"},
      {"deep lists", deep, ""},
      {"deep lists in a tensor", R"({"a":{"shape":)" + deep, ""},
      {"deep objects",
       [] {
         std::string text;
         for (int i = 0; i < 100000; ++i) text += "{\"a\":";
         return text;
       }(),
       ""},
  };
  for (const BadHeader& bad : cases) {
    EXPECT_TRUE(
        IsOneLineError(ParseSafetensorsHeader(bad.text, 8), {bad.reason}))
        << bad.what;
  }
}

// Every prefix, and every single byte replaced by each of some that mean
// something to JSON: no crash, and what is accepted is consistent.
TEST(SafetensorsHeaderTest, SurvivesDamage) {
  const std::string good =
      Header({F32("a", "[2]", "[0,8]"), F32("b", "[1]", "[8,12]"),
              R"("__metadata__":{"k":"v"})"});
  ASSERT_TRUE(ParseSafetensorsHeader(good, 12).ok());
  for (size_t i = 0; i < good.size(); ++i) {
    EXPECT_FALSE(ParseSafetensorsHeader(good.substr(0, i), 12).ok()) << i;
    for (const char byte : std::string("\0\"\\{}[],:019-.e \n\x7f\xff", 19)) {
      std::string damaged = good;
      damaged[i] = byte;
      const auto header = ParseSafetensorsHeader(damaged, 12);
      if (!header.ok()) continue;
      ASSERT_EQ(header->tensors.size(), 2u) << damaged;
      EXPECT_EQ(header->tensors[0].end, 8u) << damaged;
      EXPECT_EQ(header->tensors[1].end, 12u) << damaged;
    }
  }
}

TEST(SafetensorsHeaderTest, QuotesNamesForMessages) {
  EXPECT_EQ(QuotedName("conv1.weight"), "\"conv1.weight\"");
  EXPECT_EQ(QuotedName("a\nb\"c"), "\"a\\nb\\\"c\"");
  EXPECT_EQ(QuotedName(std::string(1000, 'x')),
            "\"" + std::string(100, 'x') + "...\"");
}

}  // namespace
}  // namespace kiln
