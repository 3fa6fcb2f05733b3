# cmake -DARGUMENTS=... -P call.cmake: calls kiln_add_model in CMake's script mode, where its checks of the arguments
# run, and what they let pass stops at the first command that needs a project.
include("${CMAKE_CURRENT_LIST_DIR}/../../cmake/KilnAddModel.cmake")
kiln_add_model(${ARGUMENTS})
