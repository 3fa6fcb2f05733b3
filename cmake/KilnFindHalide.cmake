# Finds Halide 21 in the repository's own .venv (made by scripts/setup) unless Halide_DIR says otherwise.
if(NOT Halide_DIR AND NOT Halide_ROOT)
  set(kiln_python "${PROJECT_SOURCE_DIR}/.venv/bin/python")
  if(EXISTS "${kiln_python}")
    execute_process(
      COMMAND "${kiln_python}" -c "import halide; print(halide.install_dir())"
      OUTPUT_VARIABLE kiln_halide_root OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    if(kiln_halide_root)
      set(Halide_DIR "${kiln_halide_root}/lib64/cmake/Halide" CACHE PATH "Halide's CMake package")
    endif()
  endif()
endif()

# Only the compiler: Halide's PNG and JPEG helpers, which are found by default, are not used. Global, since
# kiln_add_model may be called from another project.
find_package(Halide 21 QUIET COMPONENTS Halide GLOBAL)
if(NOT Halide_FOUND)
  message(FATAL_ERROR "Kiln needs Halide 21: run scripts/setup, or pass -DHalide_DIR=<prefix>/lib64/cmake/Halide")
endif()
