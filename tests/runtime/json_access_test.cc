#include "runtime/json_access.h"

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

using testing::Optional;
using testing::Pointee;

TEST(JsonAccessTest, ReadsEveryKindOfValue) {
  const Json json = ParseJson(
      R"({"yes":true,"whole":-12,"real":2.5,"text":"\u00e4\n","list":[1],"in":{"a\u0000b":7}})");
  EXPECT_THAT(Bool(FindMember(&json, "yes")), Optional(true));
  EXPECT_THAT(Integer(FindMember(&json, "whole")), Optional(-12));
  EXPECT_THAT(Number(FindMember(&json, "whole")), Optional(-12.0));
  EXPECT_THAT(Number(FindMember(&json, "real")), Optional(2.5));
  EXPECT_THAT(Text(FindMember(&json, "text")), Pointee(std::string("ä\n")));
  ASSERT_THAT(Array(FindMember(&json, "list")), Pointee(testing::SizeIs(1)));
  EXPECT_THAT(Number(&Array(FindMember(&json, "list"))->front()),
              Optional(1.0));
  ASSERT_THAT(Object(&json), Pointee(testing::SizeIs(6)));
  EXPECT_THAT(Integer(FindMember(FindMember(&json, "in"),
                                 absl::string_view("a\0b", 3))),
              Optional(7));
}

// None of them ends the program.
TEST(JsonAccessTest, EveryQuestionHasAnAnswerForEveryValue) {
  const Json all = ParseJson(R"([null,true,1,-1,2.5,"a",[],{}])");
  const Json discarded = ParseJson("[");
  std::vector<const Json*> values = {nullptr, &discarded};
  for (const Json& value : *Array(&all)) values.push_back(&value);
  int answers = 0;
  for (const Json* value : values) {
    EXPECT_EQ(FindMember(value, "a"), nullptr);
    answers += Object(value) != nullptr;
    answers += Array(value) != nullptr;
    answers += Text(value) != nullptr;
    answers += Bool(value).has_value();
    answers += Integer(value).has_value();
    answers += Number(value).has_value();
  }
  EXPECT_EQ(answers, 4 + 2 + 3);
}

TEST(JsonAccessTest, IntegersAreWrittenAsSuchAndHave64Bits) {
  const Json json = ParseJson(
      "[9223372036854775807,-9223372036854775808,9223372036854775808,"
      "18446744073709551616,-9223372036854775809,5.0,5e0]");
  ASSERT_THAT(Array(&json), Pointee(testing::SizeIs(7)));
  EXPECT_THAT(Integer(&json[0]), Optional(std::numeric_limits<int64_t>::max()));
  EXPECT_THAT(Integer(&json[1]), Optional(std::numeric_limits<int64_t>::min()));
  for (size_t i = 2; i < json.size(); ++i) {
    EXPECT_EQ(Integer(&json[i]), std::nullopt) << i;
    EXPECT_NE(Number(&json[i]), std::nullopt) << i;
  }
}

TEST(JsonAccessTest, WhatIsNoJsonIsDiscarded) {
  for (const char* text :
       {"", "{", "[1,]", "nul", "01", "1e999", "-1e999", "NaN", "\"",
        "\"\\ud800\"", "\"\xff\"", "\"\xed\xa0\x80\"", "{} {}", "// 1"}) {
    EXPECT_TRUE(ParseJson(text).is_discarded()) << text;
  }
  EXPECT_TRUE(ParseJson(absl::string_view("[1]\0", 4)).is_discarded());
}

TEST(JsonAccessTest, NestingTakesNoStack) {
  constexpr int kDepth = 200'000;
  const std::string open(kDepth, '[');
  EXPECT_TRUE(ParseJson(open).is_discarded());
  EXPECT_TRUE(ParseJson(open + std::string(kDepth, ']')).is_array());
  std::string objects;
  for (int i = 0; i < kDepth; ++i) objects += "{\"a\":";
  EXPECT_TRUE(ParseJson(objects).is_discarded());
  EXPECT_TRUE(ParseJson(objects + "1" + std::string(kDepth, '}')).is_object());
  EXPECT_FALSE(OutlineJson(open, kDepth).too_deep);
  EXPECT_TRUE(OutlineJson(open, kDepth - 1).too_deep);
}

TEST(JsonAccessTest, AnOutlineHasNamesInTheirOrder) {
  const JsonOutline outline =
      OutlineJson(R"({"b":[1,{"c":null}],"a":{"b":"x","c":2},"d":3})", 3);
  EXPECT_THAT(outline.names, testing::ElementsAre("b", "c", "a", "d"));
  EXPECT_EQ(outline.repeated, std::nullopt);
  EXPECT_FALSE(outline.too_deep);
  EXPECT_THAT(OutlineJson(R"([{"a":1,"b":{"a":1,"\u0061":2}}])", 3).repeated,
              Optional(std::string("a")));
  EXPECT_TRUE(OutlineJson("[[[[]]]]", 3).too_deep);
  EXPECT_THAT(OutlineJson(R"({"a":1,)", 3).names, testing::ElementsAre("a"));
}

// In time that grows as the text does.
TEST(JsonAccessTest, ManyObjectsAreReadQuickly) {
  std::string text = "{";
  for (int i = 0; i < 200'000; ++i) absl::StrAppend(&text, "\"", i, "\":{},");
  text += "\"last\":{}}";
  EXPECT_EQ(OutlineJson(text, 3).names.size(), 200'001u);
  EXPECT_EQ(ParseJson(text).size(), 200'001u);
}

TEST(JsonAccessTest, DumpsWhatJsonLacks) {
  EXPECT_EQ(DumpJson({{"text", "a\xff\xc3"}, {"path\xf0", "\"\\\n"}}),
            "{\"path\xef\xbf\xbd\":\"\\\"\\\\\\n\","
            "\"text\":\"a\xef\xbf\xbd\xef\xbf\xbd\"}");
  EXPECT_EQ(DumpJson({std::numeric_limits<double>::quiet_NaN(),
                      std::numeric_limits<double>::infinity(), 0.1}),
            "[null,null,0.1]");
}

}  // namespace
}  // namespace kiln
