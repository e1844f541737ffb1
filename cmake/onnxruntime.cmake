# ONNX Runtime as the target ebb_onnxruntime: headers only. The library is opened by name when a worker starts (engine_onnx/library.h), since the linker would
# bind to the one version that its symbols name.
set(EBB_ONNXRUNTIME_DIR ${EBB_DEPS_DIR}/onnxruntime)
set(EBB_ONNXRUNTIME_VERSION 1.28.0)
if(NOT EXISTS ${EBB_ONNXRUNTIME_DIR}/lib/libonnxruntime.so.${EBB_ONNXRUNTIME_VERSION} OR NOT EXISTS ${EBB_ONNXRUNTIME_DIR}/include/onnxruntime_c_api.h)
  message(FATAL_ERROR "ONNX Runtime is not in ${EBB_ONNXRUNTIME_DIR}: run `make setup`")
endif()
add_library(ebb_onnxruntime INTERFACE)
target_include_directories(ebb_onnxruntime SYSTEM INTERFACE ${EBB_ONNXRUNTIME_DIR}/include)
target_compile_definitions(ebb_onnxruntime INTERFACE ORT_API_MANUAL_INIT)
target_link_libraries(ebb_onnxruntime INTERFACE ${CMAKE_DL_LIBS})
