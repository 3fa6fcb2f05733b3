# cmake -DNINJA=... -DBUILD=... -DSOURCE=... -P rebuild.cmake: asks Ninja what the emitted pipelines depend on.
# A model must be emitted again for its own file and the compiler's, and for nothing else.
function(check_inputs output wanted unwanted)
  execute_process(COMMAND "${NINJA}" -C "${BUILD}" -t inputs "${output}"
                  OUTPUT_VARIABLE inputs COMMAND_ERROR_IS_FATAL ANY)
  if(NOT inputs MATCHES "${SOURCE}/${wanted}")
    message(FATAL_ERROR "${output} does not depend on ${wanted}:\n${inputs}")
  endif()
  if(inputs MATCHES "${SOURCE}/(${unwanted})[^\n]*")
    message(FATAL_ERROR "${output} depends on ${CMAKE_MATCH_0}")
  endif()
endfunction()

set(lenet5 models/lenet5/lenet5_grad_b16.o)
check_inputs(${lenet5} models/lenet5.cc "models/mnist_cnn|models/xor|runtime|tests|bench")
check_inputs(${lenet5} generators/main.cc "models/mnist_cnn|runtime")
check_inputs(${lenet5} dsl/graph.cc "models/mnist_cnn|runtime")
check_inputs(models/mnist_cnn/mnist_cnn_grad_b8.o models/mnist_cnn.cc "models/lenet5|runtime|tests|bench")
# The shared update pipelines depend on their own generator alone.
check_inputs(generators/kiln_update_sgd.o generators/update_generator.cc "dsl|models|runtime|generators/main")
# A binary depends on the runtime and its own model.
check_inputs(bin/lenet5 runtime/trainer.cc "models/mnist_cnn|models/xor|tests|bench")
