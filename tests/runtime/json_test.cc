#include "runtime/json.h"

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace kiln {
namespace {

using Reference = nlohmann::ordered_json;
using testing::Eq;
using testing::Optional;

// The value as another library reads it: of the same types, and with the same
// numbers and texts.
Reference Convert(Json json) {
  if (json.is_null()) return nullptr;
  if (json.Bool().has_value()) return *json.Bool();
  if (json.is_text()) return json.Text();
  if (json.Integer().has_value()) return *json.Integer();
  if (json.is_number()) return *json.Number();
  Reference all = json.is_array() ? Reference::array() : Reference::object();
  for (Json value = json.First(); value.exists(); value = value.Next()) {
    if (json.is_array()) all.push_back(Convert(value));
    if (json.is_object()) all[value.Key()] = Convert(value);
  }
  return all;
}

// Both readers' verdict on a text. True if it is JSON.
bool AgreesWithReference(const std::string& text) {
  const auto document = JsonDocument::Parse(text, /*max_depth=*/1000);
  const Reference reference =
      Reference::parse(text, nullptr, /*allow_exceptions=*/false);
  EXPECT_EQ(document.ok(), !reference.is_discarded())
      << text << ": " << document.status();
  if (!document.ok() || reference.is_discarded()) return false;
  EXPECT_EQ(Convert(document->root()), reference) << text;
  return true;
}

TEST(JsonTest, ReadsEveryKindOfValue) {
  const std::string text = R"( {"null":null, "yes":true,"no":false,
    "whole":-12, "real":2.5e-3 ,"text":"a\"\\\/\b\f\n\r\t\u00e4\ud83d\ude00",
    "list":[1,[2,[]],{}], "empty":{} } )";
  ASSERT_TRUE(AgreesWithReference(text));
  const auto document = JsonDocument::Parse(text);
  ASSERT_TRUE(document.ok()) << document.status();
  const Json root = document->root();
  EXPECT_TRUE(root.Find("null").is_null());
  EXPECT_THAT(root.Find("yes").Bool(), Optional(true));
  EXPECT_THAT(root.Find("no").Bool(), Optional(false));
  EXPECT_THAT(root.Find("whole").Integer(), Optional(-12));
  EXPECT_THAT(root.Find("whole").Number(), Optional(-12.0));
  EXPECT_THAT(root.Find("real").Number(), Optional(2.5e-3));
  EXPECT_EQ(root.Find("real").Integer(), std::nullopt);
  EXPECT_EQ(root.Find("text").Text(),
            "a\"\\/\b\f\n\r\t\xc3\xa4\xf0\x9f\x98\x80");
  EXPECT_EQ(root.Find("list").Size(), 3u);
  EXPECT_EQ(root.Find("list").Find("x"), Json());
  EXPECT_TRUE(root.Find("empty").is_object());
  EXPECT_FALSE(root.Find("empty").First().exists());
  EXPECT_EQ(root.First().Key(), "null");
  EXPECT_EQ(root.Size(), 8u);
}

TEST(JsonTest, NoValueAnswersAllQuestions) {
  const Json none;
  EXPECT_FALSE(none.exists());
  EXPECT_FALSE(none.is_null());
  EXPECT_EQ(none.Find("x"), none);
  EXPECT_EQ(none.First(), none);
  EXPECT_EQ(none.Next(), none);
  EXPECT_EQ(none.Size(), 0u);
  EXPECT_EQ(none.Key(), "");
  EXPECT_EQ(none.Text(), "");
  EXPECT_EQ(none.Number(), std::nullopt);
  EXPECT_EQ(none.Integer(), std::nullopt);
  EXPECT_EQ(none.Bool(), std::nullopt);
}

TEST(JsonTest, FindsTheLastOfAName) {
  const auto document = JsonDocument::Parse(R"({"a":1,"b":2,"\u0061":3})");
  ASSERT_TRUE(document.ok()) << document.status();
  EXPECT_THAT(document->root().Find("a").Integer(), Optional(3));
  EXPECT_EQ(document->root().Find("c"), Json());
}

TEST(JsonTest, IntegersHave64Bits) {
  const auto document = JsonDocument::Parse(
      "[9223372036854775807,-9223372036854775808,9223372036854775808,5.0,5e0]");
  ASSERT_TRUE(document.ok()) << document.status();
  Json value = document->root().First();
  EXPECT_THAT(value.Integer(), Optional(std::numeric_limits<int64_t>::max()));
  value = value.Next();
  EXPECT_THAT(value.Integer(), Optional(std::numeric_limits<int64_t>::min()));
  for (value = value.Next(); value.exists(); value = value.Next()) {
    EXPECT_EQ(value.Integer(), std::nullopt);
    EXPECT_TRUE(value.Number().has_value());
  }
}

TEST(JsonTest, RefusesWhatIsNoJson) {
  for (const char* text : {"",
                           " ",
                           "{",
                           "}",
                           "[",
                           "]",
                           "[1,]",
                           "{\"a\":1,}",
                           "[1 2]",
                           "{\"a\" 1}",
                           "{a:1}",
                           "{1:1}",
                           "{\"a\"}",
                           "nul",
                           "truE",
                           "nulll",
                           "01",
                           "-",
                           "+1",
                           ".5",
                           "5.",
                           "1e",
                           "1e+",
                           "0x1",
                           "1e999",
                           "-1e999",
                           "NaN",
                           "Infinity",
                           "\"",
                           "\"\\",
                           "\"\\x\"",
                           "\"\\u12\"",
                           "\"\\u123g\"",
                           "\"\\ud800\"",
                           "\"\\ud800\\u0041\"",
                           "\"\\udc00\"",
                           "\"\t\"",
                           "\"\xff\"",
                           "\"\xc0\x80\"",
                           "\"\xed\xa0\x80\"",
                           "\"\xf4\x90\x80\x80\"",
                           "\"\xc3\"",
                           "\"\xe2\x82\"",
                           "1 1",
                           "{} {}",
                           "// 1",
                           "'a'"}) {
    EXPECT_FALSE(AgreesWithReference(text)) << text;
  }
  const std::string zero("[1]\0", 4);
  EXPECT_FALSE(JsonDocument::Parse(zero).ok());
}

TEST(JsonTest, NestingEndsWhereItIsTold) {
  EXPECT_TRUE(JsonDocument::Parse("[{\"a\":[1]}]", 3).ok());
  EXPECT_TRUE(
      IsOneLineError(JsonDocument::Parse("[[[[1]]]]", 3), {"too deep"}));
  EXPECT_TRUE(IsOneLineError(JsonDocument::Parse(std::string(10'000'000, '[')),
                             {"too deep"}));
}

// Every text that differs from a good one by some bytes is read, or refused, as
// another library does it.
TEST(JsonTest, AgreesWithAnotherReaderOnDamagedTexts) {
  const std::string good =
      R"({"a":[1,-2.5e+3,0.125E-2,true,false,null],"\u00e9\n":{"b":"c\\d"},)"
      "\"\xe2\x82\xac\":[[],{},\"\xf0\x9f\x98\x80\\ud83d\\ude00\"],\"z\":0}";
  ASSERT_TRUE(AgreesWithReference(good));
  const std::string bytes =
      "\"\\{}[],:0123456789-+.eEutrfnalsdDcC89 "
      "\n\t\x7f\x80\xa0\xbf\xc3\xed\xf4\xff";
  for (size_t i = 0; i < good.size(); ++i) {
    AgreesWithReference(good.substr(0, i));
    AgreesWithReference(good.substr(0, i) + good.substr(i + 1));
    for (const char byte : bytes) {
      std::string damaged = good;
      damaged[i] = byte;
      AgreesWithReference(damaged);
    }
  }
  std::mt19937 random(1);
  int read = 0;
  for (int i = 0; i < 20000; ++i) {
    std::string damaged = good;
    for (int changes = 1 + i % 4; changes > 0; --changes) {
      damaged[random() % damaged.size()] = bytes[random() % bytes.size()];
    }
    read += AgreesWithReference(damaged);
  }
  EXPECT_GT(read, 100);
}

TEST(JsonTest, WritesWhatItReads) {
  const std::string text = "a\"\\/\b\f\n\r\t\x01\x7f \xc3\xa4 \xf0\x9f\x98\x80";
  const std::string json =
      JsonObject()
          .Text("text", text)
          .Number("tenth", 0.1)
          .Number("small", 5e-324)
          .Number("large", 1.7976931348623157e308)
          .Number("none", std::numeric_limits<double>::quiet_NaN())
          .Number("endless", std::numeric_limits<double>::infinity())
          .Integer("integer", std::numeric_limits<int64_t>::min())
          .Bool("yes", true)
          .Bool("no", false)
          .Value("list", JsonArray({"1", JsonText("\n"), JsonArray({})}))
          .Value("empty", JsonObject().Json())
          .Json();
  ASSERT_TRUE(AgreesWithReference(json));
  const Reference read = Reference::parse(json);
  EXPECT_EQ(read["text"], text);
  EXPECT_EQ(read["tenth"], 0.1);
  EXPECT_EQ(read["small"], 5e-324);
  EXPECT_EQ(read["large"], 1.7976931348623157e308);
  EXPECT_TRUE(read["none"].is_null());
  EXPECT_TRUE(read["endless"].is_null());
  EXPECT_EQ(read["integer"], std::numeric_limits<int64_t>::min());
  EXPECT_EQ(read["yes"], true);
  EXPECT_EQ(read["no"], false);
  EXPECT_EQ(read["list"], Reference::parse("[1,\"\\n\",[]]"));
  EXPECT_EQ(read["empty"], Reference::object());
  EXPECT_EQ(JsonText("a\xff\xc3"), "\"a\xef\xbf\xbd\xef\xbf\xbd\"");
}

}  // namespace
}  // namespace kiln
