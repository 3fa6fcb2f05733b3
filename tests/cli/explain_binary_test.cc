// `explain` as a user calls it: the worked example to the last digit, its LaTeX
// through TeX, and what bad flags are told.

#include <stdlib.h>
#include <sys/wait.h>

#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/support/temporary_directory.h"

namespace kiln {
namespace {

struct Outcome {
  int code;
  std::string out, err;
};

// `logistic_421 explain` with these flags.
Outcome Explain(const std::string& flags) {
  const TemporaryDirectory streams;
  const std::string command = "'" KILN_BIN_DIR "/logistic_421' explain " +
                              flags + " >" + streams / "out" + " 2>" +
                              streams / "err";
  const int status = std::system(command.c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1,
          ReadBytes(streams / "out"), ReadBytes(streams / "err")};
}

// Hand case 2 of the reference cases, digit by digit.
TEST(ExplainBinaryTest, PrintsTheWorkedExample) {
  const Outcome explained = Explain("");
  ASSERT_EQ(explained.code, 0) << explained.err;
  EXPECT_EQ(explained.err, "");
  for (const char* line :
       {"h1 = sigmoid(left)\n    1: 0.79705683\n",
        "h2 = sigmoid(right)\n    1: 0.19278725\n",
        "prediction1 = sigmoid(z1)  (head prediction)\n    1: 0.64544763\n",
        "squared_error1[i]  (loss)\n     0.02115501\n",
        "(gradient of the loss by left.weight)\n    1x2: 0.00775308 "
        "-0.00947599\n",
        "(gradient of the loss by right.weight)\n    1x2: 0.00062158 "
        "-0.00165754\n",
        "(gradient of the loss by out1.weight)\n    1x1: 0.05306001\n",
        "(gradient of the loss by out2.weight)\n    1x1: 0.01283383\n"}) {
    EXPECT_NE(explained.out.find(line), std::string::npos) << line;
  }
}

TEST(ExplainBinaryTest, OneNodeAlone) {
  EXPECT_EQ(Explain("--node=h1").out,
            "  h1 = sigmoid(left)\n    1: 0.79705683\n");
  EXPECT_EQ(Explain("--node=left.weight --max_values=1").out,
            "  left.weight = a trained parameter\n    1x2: min -0.63, mean "
            "0.06000000, max 0.75; the first 1 of 2:\n    0.75\n");
}

TEST(ExplainBinaryTest, MistakesAreOneLine) {
  const TemporaryDirectory out;
  const struct {
    std::string flags, part;
  } mistakes[] = {{"--node=h3", "--node=h3: the model has no such node"},
                  {"--sample=1", "there is no sample 1: the data have 1"},
                  {"--sample=-1", "--sample=-1 must be at least 0"},
                  {"--sample=x", "--sample=x"},
                  {"--max_values=0", "--max_values=0"},
                  {"--load=" + out / "none", out / "none"},
                  {"--data=xor", "xor"},
                  {"--latex --node=h1", "leave out --node"},
                  {"--latex=" + out / "no/where.tex", "no/where.tex"},
                  {"--fly", "unknown flag --fly"}};
  for (const auto& [flags, part] : mistakes) {
    const Outcome outcome = Explain(flags);
    EXPECT_EQ(outcome.code, 1) << flags;
    EXPECT_EQ(outcome.out, "") << flags;
    EXPECT_NE(outcome.err.find(part), std::string::npos)
        << flags << ": " << outcome.err;
    EXPECT_EQ(outcome.err.find('\n'), outcome.err.size() - 1) << outcome.err;
  }
  EXPECT_TRUE(out.Names().empty());
}

TEST(ExplainBinaryTest, LatexHasTheDerivationAndCompiles) {
  const TemporaryDirectory out;
  const std::string file = out / "derivation.tex";
  ASSERT_EQ(Explain("--latex=" + file).code, 0);
  const std::string document = ReadBytes(file);
  EXPECT_EQ(document, Explain("--latex").out);
  for (const char* part :
       {"\\documentclass", "\\end{document}",
        "\\mathit{h1} = \\sigma\\!\\left(\\mathit{left}\\right)", "0.79705683",
        "\\frac{\\partial L}{\\partial \\mathit{left}} = \\frac{\\partial "
        "L}{\\partial \\mathit{h1}} \\cdot \\left(\\mathit{h1} \\cdot "
        "\\left(1 - \\mathit{h1}\\right)\\right)",
        "(0.00775308,$ $-0.00947599)"}) {
    EXPECT_NE(document.find(part), std::string::npos) << part;
  }
  if (std::system("pdflatex --version >/dev/null 2>&1") != 0)
    GTEST_SKIP() << "pdflatex is not installed";
  const std::string tex = "cd '" + out.path() +
                          "' && pdflatex -interaction=nonstopmode "
                          "-halt-on-error derivation.tex >tex.out 2>&1";
  EXPECT_EQ(std::system(tex.c_str()), 0) << ReadBytes(out / "tex.out");
  EXPECT_EQ(ReadBytes(out / "derivation.pdf").rfind("%PDF", 0), 0);
  EXPECT_EQ(ReadBytes(out / "tex.out").find("Overfull"), std::string::npos);
}

}  // namespace
}  // namespace kiln
