// The features that line_cnn and detection_cnn read from an 8x8 image.
#ifndef KILN_MODELS_CONV_FEATURES_H_
#define KILN_MODELS_CONV_FEATURES_H_

#include <string>

#include "dsl/model.h"

// How all their weights and biases start.
inline const kiln::Initializer kWeightInit =
    kiln::Initializer::TruncatedNormal(0, 0.1);
inline const kiln::Initializer kBiasInit = kiln::Initializer::Constant(0.1);

// {1, 8, 8} -> two convolutions -> 256 values. Option activation names one of
// the table's, or "custom", which shows how a model brings its own.
inline kiln::Value ConvFeatures(kiln::ModelBuilder& m, kiln::Value x) {
  const std::string activation = m.Option("activation", "relu");
  int layer = 0;
  for (int64_t channels : {8, 16}) {
    x = m.Conv2d("conv" + std::to_string(++layer), x,
                 {.out_channels = channels,
                  .kernel = 3,
                  .weight_init = kWeightInit,
                  .bias_init = kBiasInit});
    const kiln::ScalarExpr a = kiln::Arg(0);
    x = activation == "custom"
            ? m.Pointwise("softsign", {x}, a / (1 + kiln::Max(a, -a)))
            : m.Activate(activation, x);
  }
  return m.Flatten(x);
}

#endif  // KILN_MODELS_CONV_FEATURES_H_
