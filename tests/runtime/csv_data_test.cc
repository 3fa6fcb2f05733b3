#include "runtime/csv_data.h"

#include <bit>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "runtime/generated_sets.h"
#include "runtime/random.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temporary_directory.h"

namespace kiln {
namespace {

using testing::ElementsAre;

const ColumnSpec kX = {.name = "x", .shape = {2}};
const ColumnSpec kY = {.name = "y", .shape = {1}};
const ColumnSpec kLabel = {
    .name = "label", .shape = {}, .storage = Storage::kInt32, .classes = 3};
const DataSpec kPoints = {{kX}, {kY}};
const DataSpec kClassified = {{kX}, {kLabel}};

class CsvDataTest : public testing::Test {
 protected:
  absl::StatusOr<DataPair> Read(const std::string& text, const DataSpec& model,
                                const std::string& x_columns = "",
                                const std::string& y_columns = "") {
    WriteBytes(path_, text);
    return ReadCsvData(
        {.source = path_, .x_columns = x_columns, .y_columns = y_columns},
        model);
  }

  // What reading fails with, behind the file's name.
  std::string Error(const std::string& text, const DataSpec& model = kPoints,
                    const std::string& x_columns = "",
                    const std::string& y_columns = "") {
    const auto read = Read(text, model, x_columns, y_columns);
    if (read.ok()) return "it is OK";
    const std::string message(read.status().message());
    EXPECT_EQ(message.find('\n'), std::string::npos);
    EXPECT_EQ(message.compare(0, path_.size(), path_), 0) << message;
    return message.substr(path_.size());
  }

  TemporaryDirectory directory_;
  std::string path_ = directory_ / "points.csv";
};

TEST_F(CsvDataTest, ReadsFeaturesThenTargets) {
  const auto data = Read("a,b,c\n1,2.5,-3\n 4 ,+5e-1,6\n", kPoints);
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_EQ(data->train.samples, 2);
  EXPECT_EQ(data->test.samples, 0);
  EXPECT_THAT(data->train.inputs[0].floats(), ElementsAre(1, 2.5, 4, 0.5));
  EXPECT_THAT(data->train.targets[0].floats(), ElementsAre(-3, 6));
  EXPECT_EQ(data->train.inputs[0].origin, path_);
  EXPECT_EQ(data->train.inputs[0].spec.name, "x");
}

TEST_F(CsvDataTest, ReadsLabelsAndBytes) {
  const DataSpec model = {
      {{.name = "x", .shape = {1, 1, 2}, .storage = Storage::kUint8}},
      {kLabel, kY}};
  const auto data = Read("p,q,class,width\n0,255,2,3.5\n7,8,0,4\n", model);
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_THAT(data->train.inputs[0].bytes, ElementsAre(0, 255, 7, 8));
  EXPECT_THAT(data->train.targets[0].labels(), ElementsAre(2, 0));
  EXPECT_THAT(data->train.targets[1].floats(), ElementsAre(3.5, 4));
}

TEST_F(CsvDataTest, ColumnsAreChosenByName) {
  const std::string text = "y, b ,unused,a\n1,2,text,4\n";
  for (const auto& [x, y] : std::vector<std::pair<std::string, std::string>>{
           {"a,b", "y"}, {" a , b ", "y"}}) {
    const auto data = Read(text, kPoints, x, y);
    ASSERT_TRUE(data.ok()) << data.status();
    EXPECT_THAT(data->train.inputs[0].floats(), ElementsAre(4, 2));
    EXPECT_THAT(data->train.targets[0].floats(), ElementsAre(1));
  }
  // One flag alone leaves the rest to the other, in the file's order.
  const auto by_y = Read("y,b,a\n1,2,4\n", kPoints, "", "y");
  ASSERT_TRUE(by_y.ok()) << by_y.status();
  EXPECT_THAT(by_y->train.inputs[0].floats(), ElementsAre(2, 4));
  const auto by_x = Read("y,b,a\n1,2,4\n", kPoints, "a,b", "");
  ASSERT_TRUE(by_x.ok()) << by_x.status();
  EXPECT_THAT(by_x->train.inputs[0].floats(), ElementsAre(4, 2));
  EXPECT_THAT(by_x->train.targets[0].floats(), ElementsAre(1));
}

TEST_F(CsvDataTest, APartColumnDealsTheRows) {
  const auto data =
      Read("a,part,b,y\n1,test,2,3\n4,train,5,6\n7,train,8,9\n", kPoints);
  ASSERT_TRUE(data.ok()) << data.status();
  EXPECT_THAT(data->train.inputs[0].floats(), ElementsAre(4, 5, 7, 8));
  EXPECT_THAT(data->test.inputs[0].floats(), ElementsAre(1, 2));
  EXPECT_THAT(data->test.targets[0].floats(), ElementsAre(3));
  EXPECT_EQ(data->test.samples, 1);
  EXPECT_EQ(Error("a,part,b,y\n1,test,2,3\n4,Train,5,6\n"),
            ":3: column \"part\": \"Train\" is neither train nor test");
  EXPECT_EQ(Error("a,part,b,y\n1,test,2,3\n"),
            ": has no training samples below its header");
  // Chosen, it is a column like any other.
  const auto chosen = Read("a,part,y\n1,2,3\n", kPoints, "a,part");
  ASSERT_TRUE(chosen.ok()) << chosen.status();
  EXPECT_THAT(chosen->train.inputs[0].floats(), ElementsAre(1, 2));
}

TEST_F(CsvDataTest, NamesLineAndColumnOfABadField) {
  const std::string header = "x1,x2,y\n1,2,3\n";
  EXPECT_EQ(Error(header + "4,abc,6\n"),
            ":3: column \"x2\": \"abc\" is no number");
  EXPECT_EQ(Error(header + "4,,6\n"), ":3: column \"x2\": \"\" is no number");
  EXPECT_EQ(Error(header + "4,1 2,6\n"),
            ":3: column \"x2\": \"1 2\" is no number");
  EXPECT_EQ(Error(header + "4,\"1,5\",6\n"),
            ":3: column \"x2\": \"1,5\" is no number");
  EXPECT_EQ(Error(header + "4,0x10,6\n"),
            ":3: column \"x2\": \"0x10\" is no number");
  EXPECT_EQ(Error(header + "4,5,nan\n"),
            ":3: column \"y\": \"nan\" is not finite");
  EXPECT_EQ(Error(header + "4,5,-Inf\n"),
            ":3: column \"y\": \"-Inf\" is not finite");
  EXPECT_EQ(Error(header + "4,5,1e39\n"),
            ":3: column \"y\": \"1e39\" is out of float32's range");
  EXPECT_EQ(Error(header + "4,\"5\n6\",7\n"),
            ":3: column \"x2\": \"5\\n6\" is no number");
  EXPECT_EQ(
      Error(header + "4," + std::string(50, '-') + ",7\n"),
      ":3: column \"x2\": \"" + std::string(40, '-') + "..\" is no number");
}

TEST_F(CsvDataTest, NamesALabelThatIsNoClass) {
  const std::string header = "a,b,label\n1,2,2\n";
  const std::string reason = " is no class, an integer from 0 to 2";
  for (const char* label : {"3", "-1", "1.5", "1.0", "x", "", "4294967296",
                            "99999999999999999999"}) {
    EXPECT_EQ(Error(header + "1,2," + label + "\n", kClassified),
              std::string(":3: column \"label\": \"") + label + "\"" + reason);
  }
  const DataSpec bytes = {
      {{.name = "x", .shape = {2}, .storage = Storage::kUint8}}, {kY}};
  for (const char* byte : {"256", "-1", "0.5", ""}) {
    EXPECT_EQ(Error("a,b,y\n1," + std::string(byte) + ",3\n", bytes),
              std::string(":2: column \"b\": \"") + byte +
                  "\" is no byte, an integer from 0 to 255");
  }
}

TEST_F(CsvDataTest, NamesARecordOfAnotherLength) {
  EXPECT_EQ(Error("a,b,y\n1,2,3\n1,2\n"), ":3: 2 fields, but the header has 3");
  EXPECT_EQ(Error("a,b,y\n1,2,3,\n"), ":2: 4 fields, but the header has 3");
  EXPECT_EQ(Error("a,b,y\n\"x\ny\",2\n"), ":2: 2 fields, but the header has 3");
}

TEST_F(CsvDataTest, NamesAFileWithoutSamples) {
  EXPECT_EQ(Error(""),
            ": is empty; its first line names the columns, each further one is "
            "a sample");
  EXPECT_EQ(Error("a,b,y\n"), ": has no samples below its header");
}

TEST_F(CsvDataTest, NamesABadHeader) {
  EXPECT_EQ(Error("a,b,a\n"), ":1: two columns are named \"a\"");
  EXPECT_EQ(Error("a,,y\n"), ":1: column 2 has no name");
  EXPECT_EQ(Error("1,2.5,-3\n"),
            ":1: numbers where the columns' names should be; write a first "
            "line with names");
  EXPECT_EQ(Error("a,y\n"),
            ":1: 2 columns, but the model reads 2 for its inputs (x 2) and "
            "then 1 for its targets (y 1); choose with --x_columns and "
            "--y_columns");
}

TEST_F(CsvDataTest, NamesABadChoiceOfColumns) {
  const std::string text = "a,b,c,y\n1,2,3,4\n";
  EXPECT_EQ(Error(text, kPoints, "a,d"),
            ":1: no column \"d\", which --x_columns names; there are \"a\", "
            "\"b\", \"c\", \"y\"");
  EXPECT_EQ(Error("a,b,c,d,e,f,g,h,i\n", kPoints, "z"),
            ":1: no column \"z\", which --x_columns names; there are \"a\", "
            "\"b\", \"c\", \"d\", \"e\", \"f\", \"g\", \"h\", ..");
  EXPECT_EQ(Error(text, kPoints, "a,"),
            ":1: no column \"\", which --x_columns names; there are \"a\", "
            "\"b\", \"c\", \"y\"");
  EXPECT_EQ(Error(text, kPoints, "a,a"), ":1: --x_columns names \"a\" twice");
  EXPECT_EQ(Error(text, kPoints, "a,b", "b"),
            ":1: --x_columns and --y_columns both name \"b\"");
  EXPECT_EQ(Error(text, kPoints, "a", "y"),
            ":1: 1 columns for the inputs, but the model reads 2 (x 2); choose "
            "with --x_columns");
  EXPECT_EQ(Error(text, kPoints, "a,b"),
            ":1: 2 columns for the targets, but the model reads 1 (y 1); "
            "choose with --y_columns");
}

TEST_F(CsvDataTest, NamesAMissingFile) {
  EXPECT_TRUE(
      IsOneLineError(ReadCsvData({.source = directory_ / "none.csv"}, kPoints),
                     {directory_ / "none.csv: cannot be opened"}));
}

// The model that reads just what the data have.
DataSpec SpecOf(const Dataset& data) {
  DataSpec spec;
  for (const Column& input : data.inputs) spec.inputs.push_back(input.spec);
  for (const Column& target : data.targets) spec.targets.push_back(target.spec);
  return spec;
}

void ExpectSame(const Dataset& a, const Dataset& b) {
  ASSERT_EQ(a.samples, b.samples);
  for (size_t i = 0; i < a.inputs.size(); ++i) {
    EXPECT_EQ(a.inputs[i].bytes, b.inputs[i].bytes);
  }
  for (size_t i = 0; i < a.targets.size(); ++i) {
    EXPECT_EQ(a.targets[i].bytes, b.targets[i].bytes);
  }
}

TEST_F(CsvDataTest, WhatIsWrittenReadsBackToTheSameBits) {
  for (const char* name : {"xor", "xor_cloud", "plane", "random4x4", "lines",
                           "detection", "regression"}) {
    const DataPair data = *MakeGeneratedSet(name, 5);
    ASSERT_TRUE(WriteCsvData(path_, data).ok());
    const auto read = ReadCsvData({.source = path_}, SpecOf(data.train));
    ASSERT_TRUE(read.ok()) << read.status();
    ExpectSame(read->train, data.train);
    ExpectSame(read->test, data.test);
  }
}

TEST_F(CsvDataTest, WritesTheFewestDigitsThatTellAFloatFromItsNeighbours) {
  DataPair data;
  data.train.samples = 4;
  data.train.inputs = {MakeColumn({.name = "a,\"b", .shape = {1}}, 4)};
  data.train.targets = {MakeColumn({.name = "y", .shape = {2}}, 4)};
  data.test = data.train;
  data.test.samples = 0;
  const float values[] = {0.1f, -0.0f, 1e-45f, 3.4028235e38f};
  std::copy(values, values + 4, data.train.inputs[0].mutable_floats().begin());
  ASSERT_TRUE(WriteCsvData(path_, data).ok());
  EXPECT_EQ(ReadBytes(path_),
            "\"a,\"\"b\",y[0],y[1],part\n0.1,0,0,train\n-0,0,0,train\n"
            "1e-45,0,0,train\n3.4028235e+38,0,0,train\n");
  const auto read = ReadCsvData({.source = path_}, SpecOf(data.train));
  ASSERT_TRUE(read.ok()) << read.status();
  ExpectSame(read->train, data.train);
  EXPECT_EQ(read->test.samples, 0);
}

TEST_F(CsvDataTest, AnyFloatReadsBackToTheSameBits) {
  Random random(1);
  DataPair data;
  data.train.samples = 20000;
  data.train.inputs = {MakeColumn({.name = "x", .shape = {1}}, 20000)};
  data.train.targets = {MakeColumn({.name = "y", .shape = {1}}, 20000)};
  for (float& x : data.train.inputs[0].mutable_floats()) {
    do {
      x = std::bit_cast<float>(static_cast<uint32_t>(random.Bits() >> 32));
    } while (!std::isfinite(x));
  }
  ASSERT_TRUE(WriteCsvData(path_, data).ok());
  const auto read = ReadCsvData({.source = path_}, SpecOf(data.train));
  ASSERT_TRUE(read.ok()) << read.status();
  ExpectSame(read->train, data.train);
}

TEST_F(CsvDataTest, WritesNothingThatItWouldRefuse) {
  DataPair data = MakeRegression(1);
  data.test.inputs[0].mutable_floats()[7] =
      std::numeric_limits<float>::infinity();
  EXPECT_TRUE(IsOneLineError(WriteCsvData(path_, data),
                             {"x of test sample 7 is not finite"}));
  EXPECT_THAT(directory_.Names(), ElementsAre());
  EXPECT_TRUE(IsOneLineError(WriteCsvData(directory_ / "no/such.csv", data),
                             {"x of test sample 7"}));
  EXPECT_TRUE(IsOneLineError(
      WriteCsvData(directory_ / "no/such.csv", MakeRegression(1)),
      {"such.csv: cannot be written", "create its directory"}));
}

// Whatever the bytes are: data, or one line that says what is wrong.
TEST_F(CsvDataTest, MutatedFilesAreReadOrRefused) {
  const std::string text =
      "\"x1\",x2,label,part\r\n0.5,-1e3,2,train\r\n\"1\",2,0,test\r\n";
  ASSERT_TRUE(Read(text, kClassified).ok());
  for (size_t length = 0; length < text.size(); ++length) {
    const auto read = Read(text.substr(0, length), kClassified);
    if (!read.ok()) {
      EXPECT_TRUE(IsOneLineError(read, {path_ + ":"}));
    }
  }
  Random random(1);
  const std::string bytes = std::string("\",\n\r\0-e9.naif\xff ", 17);
  int refused = 0;
  for (int trial = 0; trial < 3000; ++trial) {
    std::string mutant = text;
    for (int i = random.Below(3); i >= 0; --i) {
      const uint32_t at = random.Below(static_cast<uint32_t>(mutant.size()));
      const char byte =
          bytes[random.Below(static_cast<uint32_t>(bytes.size()))];
      if (random.Below(2) == 0) {
        mutant[at] = byte;
      } else {
        mutant.insert(at, 1, byte);
      }
    }
    const auto read = Read(mutant, kClassified);
    if (read.ok()) {
      for (const Dataset* part : {&read->train, &read->test}) {
        EXPECT_EQ(part->inputs[0].bytes.size(), 8u * part->samples);
        EXPECT_EQ(part->targets[0].bytes.size(), 4u * part->samples);
        for (const float x : part->inputs[0].floats()) {
          EXPECT_TRUE(std::isfinite(x));
        }
      }
    } else {
      ++refused;
      EXPECT_TRUE(IsOneLineError(read, {path_ + ":"}));
    }
  }
  EXPECT_GT(refused, 1000);
}

}  // namespace
}  // namespace kiln
